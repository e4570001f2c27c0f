"""What cleaning did, in numbers and examples: per language, read = kept + rejected, each reason by itself.

Records of any parts of a corpus, in any order, add up to the record of the whole; samples are those whose content has
the smallest hashes, so they too do not depend on how the work was divided.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import TypeVar

import numpy as np
import xxhash
from pydantic import Field

from data_prep.strict import Strict

_Value = TypeVar("_Value")

SAMPLES = 10
"""Samples kept of each language and reason."""
_SHOWN = 300
"""Characters shown of a sample's texts."""


class Sample(Strict):
    """A rejected sentence: which row of its source, its score, and some text of the row in another language."""

    order: int
    row: int
    text: str
    score: float | None
    beside: dict[str, str] = Field(default_factory=dict)

    @property
    def key(self) -> tuple[int, int, str]:
        """What samples are ordered by: the hash of the whole text, then what tells equal texts apart."""
        return self.order, self.row, repr(self.beside)


class LanguageRecord(Strict):
    """One language's column. Cells are sentences; gaps are none.

    rejected: reason -> cells; unchecked: rule -> cells that it had nothing to say of; histograms: rule -> how many
    scores of the cells that reached it are in each bin of its `edges`; samples: reason -> cells, at most SAMPLES.
    """

    read: int = 0
    kept: int = 0
    rejected: dict[str, int] = Field(default_factory=dict)
    unchecked: dict[str, int] = Field(default_factory=dict)
    histograms: dict[str, list[int]] = Field(default_factory=dict)
    samples: dict[str, list[Sample]] = Field(default_factory=dict)

    def __add__(self, other: LanguageRecord) -> LanguageRecord:
        return LanguageRecord(
            read=self.read + other.read,
            kept=self.kept + other.kept,
            rejected=_added(self.rejected, other.rejected),
            unchecked=_added(self.unchecked, other.unchecked),
            histograms=_merged(self.histograms, other.histograms, lambda a, b: np.add(a, b).tolist()),
            samples=_merged(self.samples, other.samples, lambda a, b: smallest([*a, *b])),
        )


class Record(Strict):
    """Rows and the languages' columns. A row is kept as long as two of its cells are (one, in monolingual text)."""

    rows_read: int = 0
    rows_kept: int = 0
    languages: dict[str, LanguageRecord] = Field(default_factory=dict)

    def __add__(self, other: Record) -> Record:
        return Record(
            rows_read=self.rows_read + other.rows_read,
            rows_kept=self.rows_kept + other.rows_kept,
            languages=_merged(self.languages, other.languages, LanguageRecord.__add__),
        )


def total(records: Iterable[Record]) -> Record:
    """Return the sum; an empty record of none."""
    return reduce(Record.__add__, records, Record())


def order_of(text: str) -> int:
    """Return the number by which samples are chosen."""
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def choose(rows: Iterable[int], texts: Sequence[str]) -> list[tuple[int, int]]:
    """Return (order, row) of those of *rows* whose texts make the samples; of equal texts the first row."""
    first: dict[int, int] = {}
    for row in rows:
        first.setdefault(order_of(texts[row]), row)
    return heapq.nsmallest(SAMPLES, first.items())


def shown(text: str) -> str:
    """Return what a sample shows of a text; a surrogate, which JSON cannot hold, as U+FFFD."""
    return text[:_SHOWN].encode("utf-8", "replace").decode("utf-8")


def smallest(samples: Iterable[Sample]) -> list[Sample]:
    """Return the SAMPLES samples with the smallest keys, ascending; of equal texts one."""
    found: dict[int, Sample] = {}
    for sample in sorted(samples, key=lambda sample: sample.key):
        found.setdefault(sample.order, sample)
    return list(found.values())[:SAMPLES]


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


def _merged(
    one: Mapping[str, _Value], other: Mapping[str, _Value], add: Callable[[_Value, _Value], _Value]
) -> dict[str, _Value]:
    both = {key: add(one[key], other[key]) for key in one.keys() & other.keys()}
    return {key: both.get(key, value) for key, value in {**one, **other}.items()}
