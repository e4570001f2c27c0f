"""A batch in, the batch without what the rules reject out, and the record of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from data_prep.batch import Batch
from data_prep.cleaning.empty import Empty
from data_prep.cleaning.record import LanguageRecord, Record, Sample, choose, shown
from data_prep.cleaning.rule import CellRule, RowRule, Rule
from data_prep.cleaning.settings import RULES, CleaningSettings, resolve
from data_prep.cleaning.texts import Texts
from data_prep.cleaning.transforms import transformed

ALONE = "alone: no other language left in the row"


@dataclass(frozen=True)
class Cleaned:
    """What is left of a batch.

    batch: the rows that are kept, text transformed, rejected cells as gaps; its `first` is still the first row read.
    rows: (kept rows,) int64, which rows of the batch they were, from 0. record: of all cells of the batch.
    """

    batch: Batch
    rows: np.ndarray
    record: Record


class Cleaner:
    """Transforms and rules for the languages of one corpus.

    A corpus of one language keeps rows of one sentence; in a corpus of more they are of no use.
    """

    def __init__(self, settings: CleaningSettings, corpus: str, languages: Sequence[str]) -> None:
        """Resolve the settings; languages are canonical codes. Raises UserError where they do not go together."""
        self.resolved = {
            language: resolve(settings, language, corpus, [other for other in languages if other != language])
            for language in languages
        }

    def decided(self) -> list[Any]:
        """Return as plain data what decides the result beside versions and the content of `files`."""
        return [[language, one.decided()] for language, one in self.resolved.items()]

    @property
    def libraries(self) -> frozenset[str]:
        """Return the libraries of which another version may give another result (`engine.libraries`)."""
        return frozenset(library for one in self.resolved.values() for library in one.libraries)

    @property
    def files(self) -> list[str]:
        """Return the paths of the files that rules look into."""
        return list(dict.fromkeys(file for one in self.resolved.values() for file in one.files))

    def __call__(self, batch: Batch) -> Cleaned:
        """Return what is left of a batch, whose languages are all among the cleaner's."""
        columns = {
            language: Texts(transformed(self.resolved[language].transforms, column))
            for language, column in batch.columns.items()
        }
        judged = {language: _Judged(batch, language) for language in columns}
        for language, texts in columns.items():
            self._judge_cells(texts, judged[language])
        for name, rule in RULES.items():
            if issubclass(rule, RowRule):
                self._judge_rows(name, rule, columns, judged)
        alive = np.stack([judged[language].alive for language in columns])
        kept = np.count_nonzero(alive, axis=0) >= min(2, len(columns))
        for one in judged.values():
            one.reject(one.alive & ~kept, ALONE)
        return _left(batch, columns, judged, np.flatnonzero(kept))

    def _judge_cells(self, texts: Texts, judged: _Judged) -> None:
        # What the transforms leave nothing of would be a gap from here on, whether or not a rule looks at it.
        judged.reject(judged.alive & ~texts.present, Empty().reasons()[0])
        for rule in self.resolved[judged.language].rules.values():
            if isinstance(rule, CellRule) and rule.enabled:
                seen = texts.where(judged.alive) if rule.slow else texts
                judged.judge(rule, rule.scores(judged.language, seen))

    def _judge_rows(
        self, name: str, rule: type[RowRule], columns: Mapping[str, Texts], judged: Mapping[str, _Judged]
    ) -> None:
        rules = {language: self.resolved[language].rules[name] for language in columns}
        asked = {language: one for language, one in rules.items() if isinstance(one, rule) and one.enabled}
        if not asked:
            return
        seen = {language: columns[language].where(judged[language].alive) for language in asked}
        for language, scores in rule.row_scores(asked, seen).items():
            judged[language].judge(asked[language], scores, seen)


def uncleaned(batch: Batch) -> Cleaned:
    """Return a batch as it was written, but without rows of too few sentences, as a `Cleaner` without rules would."""
    present = np.stack([np.fromiter(map(bool, column), bool, batch.rows) for column in batch.columns.values()])
    kept = np.count_nonzero(present, axis=0) >= min(2, len(present))
    languages = {}
    for language, of_language in zip(batch.columns, present, strict=True):
        read, left = int(of_language.sum()), int((of_language & kept).sum())
        languages[language] = LanguageRecord(read=read, kept=left, rejected={ALONE: read - left} if read > left else {})
    rows = np.flatnonzero(kept)
    record = Record(rows_read=batch.rows, rows_kept=len(rows), languages=languages)
    return Cleaned(batch if len(rows) == batch.rows else _rows_of(batch, batch.columns, rows), rows, record)


class _Judged:
    """One column of a batch while it is judged: which cells are left, and what is to be said of the others."""

    def __init__(self, batch: Batch, language: str) -> None:
        self.language = language
        self._batch = batch
        self._column = batch.columns[language]
        self.alive = np.fromiter(map(bool, self._column), bool, len(self._column))
        self._read = int(self.alive.sum())
        self._rejected: Counter[str] = Counter()
        self._unchecked: Counter[str] = Counter()
        self._histograms: dict[str, list[int]] = {}
        self._samples: dict[str, list[Sample]] = {}

    def judge(self, rule: Rule, scores: np.ndarray, compared: Mapping[str, Texts] | None = None) -> None:
        """Reject the cells that are left and whose scores are out of bounds; *compared*: the columns a RowRule saw."""

        def beside(row: int) -> str | None:
            if compared is None or not isinstance(rule, RowRule):
                return None
            return rule.seen_beside(self.language, {code: texts[row] for code, texts in compared.items() if texts[row]})

        left = scores[self.alive]
        self._histograms[rule.name] = rule.histogram(left).tolist()
        if unchecked := int(np.isnan(left).sum()):
            self._unchecked[rule.name] += unchecked
        for outside, reason in zip(rule.outside(scores), rule.reasons()):
            self.reject(outside & self.alive, reason, scores, beside)

    def reject(
        self,
        cells: np.ndarray,
        reason: str,
        scores: np.ndarray | None = None,
        beside: Callable[[int], str | None] = lambda row: None,
    ) -> None:
        """Reject *cells*, (rows,) bool, all of them left until now; *beside*: the language a row's sample shows too."""
        rows = np.flatnonzero(cells).tolist()
        if not rows:
            return
        self.alive = self.alive & ~cells
        self._rejected[reason] += len(rows)
        self._samples[reason] = [
            self._sample(order, row, None if scores is None else float(scores[row]), beside(row))
            for order, row in choose(rows, self._column)
        ]

    def record(self) -> LanguageRecord:
        """Return what was done, once all is judged."""
        return LanguageRecord(
            read=self._read,
            kept=int(self.alive.sum()),
            rejected=dict(self._rejected),
            unchecked=dict(self._unchecked),
            histograms=self._histograms,
            samples=self._samples,
        )

    def _sample(self, order: int, row: int, score: float | None, other: str | None) -> Sample:
        columns = self._batch.columns
        others = [other] if other else [code for code in columns if code != self.language]
        beside = next(({code: shown(columns[code][row])} for code in others if columns[code][row]), {})
        text = shown(self._column[row])
        return Sample(order=order, row=self._batch.first + row, text=text, score=score, beside=beside)


def _left(batch: Batch, columns: Mapping[str, Texts], judged: Mapping[str, _Judged], rows: np.ndarray) -> Cleaned:
    record = Record(
        rows_read=batch.rows,
        rows_kept=len(rows),
        languages={language: one.record() for language, one in judged.items()},
    )
    kept = {language: texts.where(judged[language].alive) for language, texts in columns.items()}
    return Cleaned(_rows_of(batch, kept, rows), rows, record)


def _rows_of(batch: Batch, columns: Mapping[str, Sequence[str]], rows: np.ndarray) -> Batch:
    """Return some rows of a batch, of whose sentences *columns* are what is left."""
    chosen = rows.tolist()
    return replace(
        batch,
        columns={language: [texts[row] for row in chosen] for language, texts in columns.items()},
        ids=None if batch.ids is None else [batch.ids[row] for row in chosen],
        scores=None if batch.scores is None else [batch.scores[row] for row in chosen],
    )
