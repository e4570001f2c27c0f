"""Rows one at a time, as most formats give them, gathered into batches; what makes a text unfit, for every reader."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from data_prep.batch import Batch, Rejected, RejectedText
from data_prep.readers.source import EmptySource

LONGEST = 1 << 20  # bytes of a line, characters of a text: far more than a sentence, far less than memory
NUL = "NUL character"
INVALID_UTF8 = "invalid UTF-8"
NO_SCORE = "score is no number"
NO_TEXT = "no text in the languages asked for"
_EXCERPT = 200
_SURROGATE = re.compile("[\ud800-\udfff]")


class Row(NamedTuple):
    """A row: its texts in the order of the languages, the empty string for a gap."""

    texts: Sequence[str]
    place: str
    id: str = ""
    score: float = math.nan


class Aside(NamedTuple):
    """What was left aside and is neither a row nor a text that was asked for."""

    reason: str
    number: int = 1


Item = Row | Rejected | RejectedText | Aside


def too_long(longest: int) -> str:
    """Return the reason of a line or text above the bound."""
    return f"longer than {longest:,}"


def excerpt(text: str) -> str:
    """Return the start of a text for a report; NUL, which nothing shows, as its symbol, lone surrogates escaped."""
    return text[:_EXCERPT].replace("\0", "\u2400").encode("utf-8", "backslashreplace").decode("utf-8")


def on_one_line(text: str) -> str:
    """Return the start of a text as a sentence to the user may hold it."""
    return " ".join(excerpt(text).split())


def needs_every_language(languages: Collection[str]) -> bool:
    """Tell whether a row is rejected for one damaged text: in a pair, nothing else is left; an n-way row has a gap."""
    return len(languages) <= 2


def gap_reason(reason: str, language: str) -> str:
    """Return the reason for which something of one language alone is not there."""
    return f"{reason} ({language})"


def batches_of(
    items: Iterator[Item],
    languages: Sequence[str],
    rows: int,
    nothing: EmptySource,
    *,
    longest: int = LONGEST,
    ids: bool = False,
    scores: bool = False,
) -> Iterator[Batch]:
    """Yield batches of *rows* rows read, rejected ones among them.

    A text that is too long (more than *longest* characters), has a NUL or a lone surrogate rejects its row, or in rows
    of three and more languages leaves a gap. A row without any text is rejected. Raises *nothing* when no row was
    read at all.
    """
    batch = _Gathered(languages, ids, scores, first=0)
    read = 0
    for item in items:
        match item:
            case Row():
                batch.add(_checked(item, languages, longest, batch.rejected_texts))
            case Rejected():
                batch.rejected.append(item)
            case RejectedText():
                batch.rejected_texts.append(item)
                continue
            case Aside():
                batch.counts[item.reason] += item.number
                continue
        read += 1
        if batch.read == rows:
            yield batch.done()
            batch = _Gathered(languages, ids, scores, first=batch.first + batch.rows)
    if not read:
        raise nothing
    if batch.read or batch.rejected_texts or batch.counts:
        yield batch.done()


class _Gathered:
    """A batch that is being filled."""

    def __init__(self, languages: Sequence[str], ids: bool, scores: bool, first: int) -> None:
        self.first, self.rows = first, 0
        self.rejected: list[Rejected] = []
        self.rejected_texts: list[RejectedText] = []
        self.counts: Counter[str] = Counter()
        self._columns: dict[str, list[str]] = {language: [] for language in languages}
        self._ids: list[str] | None = [] if ids else None
        self._scores: list[float] | None = [] if scores else None

    @property
    def read(self) -> int:
        return self.rows + len(self.rejected)

    def add(self, row: Row | Rejected) -> None:
        if isinstance(row, Rejected):
            self.rejected.append(row)
            return
        for column, text in zip(self._columns.values(), row.texts, strict=True):
            column.append(text)
        if self._ids is not None:
            self._ids.append(row.id)
        if self._scores is not None:
            self._scores.append(row.score)
        self.rows += 1

    def done(self) -> Batch:
        return Batch(
            self.first,
            self._columns,
            self.rejected,
            self._ids,
            self._scores,
            self.rejected_texts,
            dict(self.counts),
        )


def _checked(row: Row, languages: Sequence[str], longest: int, rejected_texts: list[RejectedText]) -> Row | Rejected:
    if not any(row.texts):
        return Rejected(NO_TEXT, row.place)
    faults = [(i, fault) for i, text in enumerate(row.texts) if (fault := _fault(text, longest))]
    if not faults:
        return row
    if needs_every_language(languages):
        i, fault = faults[0]
        return Rejected(fault, row.place, excerpt(row.texts[i]))
    texts = list(row.texts)
    for i, fault in faults:
        texts[i] = ""
        rejected_texts.append(RejectedText(languages[i], fault, row.place, excerpt(row.texts[i])))
    return row._replace(texts=texts)


def _fault(text: str, longest: int) -> str | None:
    if len(text) > longest:
        return too_long(longest)
    if "\0" in text:
        return NUL
    if not text.isascii() and _SURROGATE.search(text):
        return "lone surrogate"
    return None
