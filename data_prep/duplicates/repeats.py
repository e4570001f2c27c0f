"""Rows that say what another row says, over all corpora and directions; out of core, within a bound of memory.

Two rows of a pair of languages repeat one another when both sides have equal keys (`key.sentence_key`), whatever the
direction or the corpus. A row of more languages repeats another when all its cells do. A bilingual row also repeats a
row of more languages that has the same pair: of these the larger one stays, because a pair cannot be taken out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xxhash

from data_prep.duplicates.tables import Tables
from mtdeep.corpus.permutation import mix

Pair = tuple[str, str]
_TABLE = "CREATE TABLE units (unit UBIGINT, position BIGINT, rank INTEGER, score DOUBLE, droppable BOOLEAN)"
_BEST = """
SELECT position, better FROM (
    SELECT position, droppable, row_number() OVER best AS place, first_value(position) OVER best AS better
    FROM units WINDOW best AS (PARTITION BY unit ORDER BY droppable, rank, score DESC NULLS LAST, position)
) WHERE droppable AND place > 1 ORDER BY position
"""


@dataclass(frozen=True)
class Units:
    """What of some rows is compared.

    unit: equal for what is the same, (n,) uint64; position: the row's number over all corpora, (n,) int64; droppable:
    whether the row goes when its unit is known from a better one.
    """

    unit: np.ndarray
    position: np.ndarray
    droppable: np.ndarray


class Repeated(NamedTuple):
    """Rows that repeat others, by their numbers over all corpora, ascending, and which those are, (n,) int64 each."""

    rows: np.ndarray
    better: np.ndarray


class View(NamedTuple):
    """Cells by which rows of a chunk are compared: *columns* of *rows*, (n,) int64.

    droppable: whether these rows go when others have the same there.
    """

    columns: tuple[int, ...]
    rows: np.ndarray
    droppable: bool


def views_of(languages: Sequence[str], present: np.ndarray, bilingual: AbstractSet[Pair]) -> Iterator[View]:
    """Yield the views of rows, *present* being (rows, languages) bool.

    *bilingual* are the pairs of languages, each as `pairs_of` has it, that rows of two sentences have somewhere: only
    for them a larger row is asked for its pairs.
    """
    sizes = present.sum(axis=1)
    column = {language: i for i, language in enumerate(languages)}
    # By the pairs of these languages, which thousands of corpora of two have one of, not by all that there are.
    for pair in sorted(pair for pair in map(_sorted, combinations(languages, 2)) if pair in bilingual):
        left, right = (column[language] for language in pair)
        both = present[:, left] & present[:, right]
        for rows, droppable in ((both & (sizes == 2), True), (both & (sizes > 2), False)):
            yield View((left, right), np.flatnonzero(rows), droppable)
    yield View(tuple(column.values()), np.flatnonzero(sizes > 2), True)


def unit_keys(languages: Sequence[str], keys: np.ndarray, view: View) -> np.ndarray:
    """Return a key of what each of a view's rows has in its columns, (n,) uint64, from *keys* of the cells, 0 for gaps.

    A sum, so that the order of the languages does not matter.
    """
    found = np.zeros(len(view.rows), dtype=np.uint64)
    for i in view.columns:
        cells = keys[view.rows, i]
        found += np.where(cells > 0, _named(languages[i], cells), 0)
    return mix(found)


def units_of(languages: Sequence[str], keys: np.ndarray, first: int, bilingual: AbstractSet[Pair]) -> Units:
    """Return the units of rows from their cells' keys, (rows, languages) uint64, 0 for gaps.

    *first* is the number of the first row; *bilingual* is as in `views_of`.
    """
    views = list(views_of(languages, keys > 0, bilingual))
    return Units(
        np.concatenate([unit_keys(languages, keys, view) for view in views]),
        first + np.concatenate([view.rows for view in views]),
        np.concatenate([np.full(len(view.rows), view.droppable) for view in views]),
    )


def pairs_of(languages: Sequence[str], keys: np.ndarray) -> set[Pair]:
    """Return the pairs of languages of the rows that have two sentences; shapes as in `units_of`."""
    present = keys > 0
    two = present[present.sum(axis=1) == 2]
    pairs = combinations(range(len(languages)), 2)
    return {_sorted((languages[i], languages[j])) for i, j in pairs if (two[:, i] & two[:, j]).any()}


class Repeats(Tables):
    """Finds repeated rows on disk."""

    def __init__(self, folder: Path, memory: str, threads: int = 1) -> None:
        """Begin; *folder* and *memory* are those of `Tables`."""
        super().__init__(folder, memory, threads, _TABLE)

    def add(self, units: Units, rank: int = 0, scores: np.ndarray | None = None) -> None:
        """Take units; of equal ones those of the lowest rank stay, and of these the one with the highest score.

        *scores* are those of the units' rows, (n,), NaN where a row has none.
        """
        arrays = {
            "unit": units.unit,
            "position": units.position,
            "rank": np.full(len(units.unit), rank, dtype=np.int32),
            "score": np.full(len(units.unit), np.nan) if scores is None else scores,
            "droppable": units.droppable,
        }
        self._connection.execute("INSERT INTO units SELECT * FROM arrays")
        del arrays  # which the query has read by its name

    def find(self) -> Iterator[Repeated]:
        """Yield the rows to be left out, each with the one that is the best of those that it repeats.

        Of equal rows that of the lowest rank stays, of these the one with the highest score, and of these the first.
        """
        result = self._connection.execute(_BEST)
        before = -1
        while found := result.fetchmany(1 << 16):
            rows, better = np.array(found, dtype=np.int64).T
            rows, first = np.unique(rows, return_index=True)
            new = rows > before  # a row's units may be in two parts
            if new.any():
                before = int(rows[-1])
                yield Repeated(rows[new], better[first[new]])


def _named(language: str, keys: np.ndarray) -> np.ndarray:
    """Return other keys, so that equal text in another language is another cell."""
    return mix(keys ^ np.array(xxhash.xxh3_64_intdigest(language.encode()), dtype=np.uint64))


def _sorted(pair: Pair) -> Pair:
    return min(pair), max(pair)
