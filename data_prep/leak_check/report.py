"""What of each test set is in training text: counts by language and corpus, and samples."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import TextChunk, read_arrays
from data_prep.duplicates import near
from data_prep.duplicates.leakage import EXACT, NEAR, searched_as, searched_together
from data_prep.stages.leak_search import IS_EXACT, ROWS, SENTENCES, SIMILARITY
from mtdeep.durable import write_atomically
from mtdeep.errors import UserError

Counts = dict[str, int]


@dataclass(frozen=True)
class EvaluationSet:
    """A test set as it was read: language -> sentences and those that cannot be searched for, and what was rejected."""

    name: str
    languages: Mapping[str, Counts]
    rejected: Mapping[str, int]


@dataclass
class Training:
    """The training text that was searched.

    rejected: corpus -> reason -> what could not be read (`unread_of`); counts: corpus -> language -> what `search` has
    counted; findings: the corpus of each chunk and what was found there.
    """

    rejected: Mapping[str, Mapping[str, int]]
    counts: dict[str, dict[str, Counts]] = field(default_factory=dict)
    findings: list[tuple[str, Path]] = field(default_factory=list)

    def enter(self, corpus: str, languages: Mapping[str, Counts], found: Path) -> None:
        """Add what was counted and found in a chunk."""
        of_corpus = self.counts.setdefault(corpus, {})
        for language, counts in languages.items():
            total = of_corpus.setdefault(language, dict.fromkeys(counts, 0))
            for name, count in counts.items():
                total[name] += count
        self.findings.append((corpus, found))

    def sentences(self, codes: Collection[str]) -> int:
        """Return how many sentences of languages were searched."""
        of_corpora = self.counts.values()
        return sum(counts["sentences"] for of in of_corpora for code, counts in of.items() if code in codes)


@dataclass(frozen=True)
class Sample:
    """A test sentence and the training sentence that is most like it; *row* is its row's number, from 0.

    language: the code of the training sentence, which may have another region than the test set's.
    """

    kind: str
    similarity: float
    corpus: str
    language: str
    row: int
    training: str
    test: str


@dataclass(frozen=True)
class LanguageReport:
    """Of one language of a test set: its sentences, and how many of them are in training text.

    short: those among the exact ones that are too short to be near anything, and may be there by chance; unchecked:
    sentences that could not be searched for; searched: training sentences of the language, repeats included; codes:
    those that training text has it under; rows: the numbers, from 0, of the set's rows whose sentence was found.
    """

    sentences: int
    unchecked: int
    searched: int
    codes: Sequence[str]
    exact: int
    short: int
    near: int
    rows: Sequence[int]
    training: Mapping[str, Counts]
    samples: Sequence[Sample]


@dataclass(frozen=True)
class Report:
    """Test set -> language -> what was found, and what was searched."""

    tests: Mapping[str, Mapping[str, LanguageReport]]
    rejected: Mapping[str, Mapping[str, int]]
    training: Training
    near: bool
    form: str | None

    @property
    def leaks(self) -> int:
        """Return how many sentences of the test sets are in training text."""
        return sum(found.exact + found.near for languages in self.tests.values() for found in languages.values())

    def document(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        bounds = {
            "similarity": near.SIMILAR,
            "words": near.WORDS,
            "characters": near.CHARACTERS,
            "permutations": near.PERMUTATIONS,
            "bands": near.BANDS,
            "signatures": near.VERSION,
        }
        return {
            "leaks": self.leaks,
            "near": bounds if self.near else None,
            "compared_as": "written" if self.form is None else f"pieces of the store's model {self.form}",
            "tests": {
                name: {
                    "rejected": dict(self.rejected[name]),
                    "languages": {language: asdict(found) for language, found in languages.items()},
                }
                for name, languages in self.tests.items()
            },
            "training": {
                name: {"rejected": dict(self.training.rejected.get(name, {})), "languages": languages}
                for name, languages in self.training.counts.items()
            },
        }

    def write(self, path: Path) -> None:
        """Write the report as JSON. Raises UserError where that is not possible."""
        text = json.dumps(self.document(), ensure_ascii=False, indent=1) + "\n"
        try:
            write_atomically(path, lambda partial: partial.write_text(text, encoding="utf-8"))
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror}); give another file") from error


def report_of(
    sets: Sequence[EvaluationSet],
    training: Training,
    index: Path,
    texts: Path,
    *,
    near: bool,
    form: str | None,
    samples: int,
) -> Report:
    """Return the report; *index* and *texts* are what `index_sets` has written, *samples* how many of each kind."""
    arrays = read_arrays(index, lambda name: name.endswith(("/keys", "/signed")))
    known = {name.removesuffix("/keys"): array for name, array in arrays.items() if name.endswith("/keys")}
    found = {code: _Language(keys, arrays[f"{code}/signed"]) for code, keys in known.items()}
    for corpus, path in training.findings:
        chunk = TextChunk.read(path)
        for language in chunk.columns:
            found[searched_as(language)].enter(corpus, chunk, language)
    written = TextChunk.read(texts)
    trained = searched_together(code for languages in training.counts.values() for code in languages)
    tests: dict[str, dict[str, LanguageReport]] = {}
    for number, one in enumerate(sets):
        tests[one.name] = {}
        for language, counts in one.languages.items():
            group = searched_as(language)
            keys = written.arrays[f"{number}/{language}"]
            rows = np.flatnonzero(keys)
            sentences = np.searchsorted(known[group], keys[rows])
            codes = trained.get(group, ())
            tests[one.name][language] = LanguageReport(
                **counts,
                searched=training.sentences(codes),
                codes=codes,
                **found[group].counts(sentences),
                rows=rows[found[group].found(sentences)].tolist(),
                training=found[group].by_corpus(sentences),
                samples=found[group].samples(sentences, written.columns[group], samples),
            )
    return Report(tests, {one.name: one.rejected for one in sets}, training, near, form)


class _Language:
    """What was found of the different test sentences of one language (`searched_as`), (n,), by corpus and in all."""

    def __init__(self, keys: np.ndarray, signed: np.ndarray) -> None:
        self._short = np.ones(len(keys), dtype=bool)
        self._short[signed] = False
        self._size = len(keys)
        self._found: dict[str, dict[str, np.ndarray]] = {}  # corpus -> exact or near -> (n,) bool
        self._best: dict[int, tuple[bool, float, str, str, int, str]] = {}

    def enter(self, corpus: str, chunk: TextChunk, language: str) -> None:
        arrays = [chunk.arrays[name + language] for name in (SENTENCES, IS_EXACT, SIMILARITY, ROWS)]
        sentences, exact, _, _ = arrays
        empty = {EXACT: np.zeros(self._size, dtype=bool), NEAR: np.zeros(self._size, dtype=bool)}
        of_corpus = self._found.setdefault(corpus, empty)
        of_corpus[EXACT][sentences[exact]] = True
        of_corpus[NEAR][sentences[~exact]] = True
        for number, is_exact, similarity, row, text in zip(
            *(array.tolist() for array in arrays), chunk.columns[language], strict=True
        ):
            best = self._best.get(number)
            if best is None or (is_exact, similarity) > best[:2]:
                self._best[number] = (is_exact, similarity, corpus, language, row, text)

    def counts(self, sentences: np.ndarray) -> Counts:
        """Return how many of *sentences*, numbers that may come again, are in training text."""
        exact = self._anywhere(EXACT)
        near = self._anywhere(NEAR) & ~exact
        return {
            EXACT: int(exact[sentences].sum()),
            "short": int((exact & self._short)[sentences].sum()),
            NEAR: int(near[sentences].sum()),
        }

    def found(self, sentences: np.ndarray) -> np.ndarray:
        """Return which of *sentences* are in training text, (n,) bool."""
        found: np.ndarray = (self._anywhere(EXACT) | self._anywhere(NEAR))[sentences]
        return found

    def _anywhere(self, kind: str) -> np.ndarray:
        masks = [masks[kind] for masks in self._found.values()]
        return np.any([np.zeros(self._size, dtype=bool), *masks], axis=0)

    def by_corpus(self, sentences: np.ndarray) -> dict[str, Counts]:
        """Return corpus -> exact or near -> sentences, for the corpora that have any; one may be in several."""
        found = {}
        for corpus, masks in self._found.items():
            near = masks[NEAR] & ~masks[EXACT]
            counts = {EXACT: int(masks[EXACT][sentences].sum()), NEAR: int(near[sentences].sum())}
            if any(counts.values()):
                found[corpus] = counts
        return found

    def samples(self, sentences: np.ndarray, written: Sequence[str], number: int) -> list[Sample]:
        """Return the first *number* of each kind, each sentence once, in the order of the set."""
        found: dict[str, list[Sample]] = {EXACT: [], NEAR: []}
        for sentence in dict.fromkeys(sentences.tolist()):
            if sentence not in self._best:
                continue
            is_exact, similarity, corpus, language, row, text = self._best[sentence]
            kind = EXACT if is_exact else NEAR
            if len(found[kind]) < number:
                found[kind].append(Sample(kind, similarity, corpus, language, row, text, written[sentence]))
        return [*found[EXACT], *found[NEAR]]
