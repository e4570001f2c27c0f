"""Rows that nearly say what a better row says, over all corpora and directions; out of core, within a bound of memory.

Rows are compared where exact repeats are (`repeats.views_of`): with rows of the same languages, and a bilingual one
with the rows of more languages that have its pair. One nearly repeats another when each cell is alike: its key is
equal, or both have signatures of which a share of `SIMILAR` places agree. So a sentence too short for a signature must
be equal, and nothing goes whose languages are not all in the row that stays.

Candidates are found by the signature of a view as a whole, the minimum over its cells at each place: MinHash of the
union of their shingles, whose similarity is no less than the least of the cells'. So one equal side alone, as in many
translations of one sentence, makes no candidates. Rows that share a band are ordered by preference, and each is
compared with the first `LEADERS` of them: the work grows with the rows even where thousands are made from one template.

Which rows go is decided in the order of preference: one goes when a row that stays is better and alike. Every row that
goes has its like among those that stay, which joining all that are linked (union-find) would not give: there a chain of
small differences removes rows that have nothing in common with the one that is left.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from data_prep.duplicates.cells import CellFiles
from data_prep.duplicates.near import BANDS, PERMUTATIONS, SIMILAR, Signatures
from data_prep.duplicates.repeats import Pair, Repeated, View, unit_keys, views_of
from data_prep.duplicates.tables import Tables
from mtdeep.corpus.permutation import mix

LEADERS = 16
_COMPARED = 1 << 14  # pairs compared at once
_TABLES = """
CREATE TABLE bands (band UBIGINT, position BIGINT, droppable BOOLEAN);
CREATE TABLE origins (position BIGINT, large BOOLEAN, rank INTEGER, score DOUBLE);
"""
_SHARED = """
CREATE TABLE shared AS SELECT * FROM bands WHERE band IN (
    SELECT band FROM bands GROUP BY band HAVING count(*) > 1 AND bool_or(droppable)
);
DROP TABLE bands;
CREATE TABLE places AS
SELECT position, row_number() OVER (ORDER BY large DESC, rank, score DESC NULLS LAST, position) - 1 AS place
FROM origins WHERE position IN (SELECT position FROM shared);
CREATE TABLE placed AS
SELECT *, row_number() OVER (PARTITION BY band ORDER BY place) AS nth FROM shared JOIN places USING (position);
"""
_CANDIDATES = f"""
SELECT DISTINCT leader.place, other.place, leader.position, other.position
FROM placed other JOIN placed leader USING (band)
WHERE other.droppable AND leader.nth <= {LEADERS} AND leader.place < other.place
ORDER BY other.place, leader.place
"""


@dataclass(frozen=True)
class Rows:
    """Some rows of one corpus.

    keys: of their cells, (rows, languages) uint64, 0 for what is not to be compared; signatures: of a language's cells,
    gaps and others with key 0 or not; first: the number of the first row over all corpora; scores: (rows,), NaN where a
    row has none.
    """

    languages: tuple[str, ...]
    keys: np.ndarray
    signatures: Callable[[str], Signatures]
    first: int
    rank: int = 0
    scores: np.ndarray | None = None

    def signed(self, column: int) -> Signatures:
        """Return the signatures of those cells of a column that have a key."""
        found = self.signatures(self.languages[column])
        there = self.keys[found.rows, column] > 0
        return Signatures(found.rows[there], found.values[there])


class NearRepeats(Tables):
    """Finds near repeats on disk."""

    def __init__(self, folder: Path, memory: str, similar: float = SIMILAR, threads: int = 1) -> None:
        """Begin; *folder* and *memory* are those of `Tables`.

        Beside that memory there are one corpus's rows at a time, 16 bytes for each row that is left out and one for
        each that shares a band. *similar*: the share of places that must agree; candidates are found for 0.8 and above.
        """
        super().__init__(folder, memory, threads, _TABLES)
        self._similar = similar
        self._cells = CellFiles(folder)

    def add(self, rows: Rows, bilingual: AbstractSet[Pair]) -> None:
        """Take rows; *bilingual* is as in `repeats.views_of`."""
        signed = self._cells.add(rows.first, rows.languages, rows.keys, rows.signed)
        for view in views_of(rows.languages, rows.keys > 0, bilingual):
            numbers = view.rows[signed[view.rows][:, view.columns].any(axis=1)]
            if not len(numbers):
                continue
            bands = _bands(rows, signed, view._replace(rows=numbers))
            arrays = {
                "band": bands.ravel(),
                "position": np.repeat(rows.first + numbers, BANDS),
                "droppable": np.full(bands.size, view.droppable),
            }
            self._connection.execute("INSERT INTO bands SELECT * FROM arrays")
        sizes = (rows.keys > 0).sum(axis=1)
        numbers = np.flatnonzero((sizes >= 2) & signed.any(axis=1))
        arrays = {
            "position": rows.first + numbers,
            "large": sizes[numbers] > 2,
            "rank": np.full(len(numbers), rows.rank, dtype=np.int32),
            "score": np.full(len(numbers), np.nan) if rows.scores is None else rows.scores[numbers],
        }
        self._connection.execute("INSERT INTO origins SELECT * FROM arrays")
        del arrays  # which the queries have read by its name

    def find(self) -> Repeated:
        """Return the rows to be left out, each with one that stays and is like it.

        Of rows that are alike those of more languages than two stay before pairs, then that of the lowest rank, of
        these the one with the highest score, and of these the first.
        """
        self._connection.execute(_SHARED)
        ((places,),) = self._connection.execute("SELECT count(*) FROM places").fetchall()
        gone, left_out, stay = bytearray(places), array("q"), array("q")
        for leaders, others, better, worse in self._alike():
            for leader, other, staying, leaving in zip(leaders, others, better, worse, strict=True):
                if not gone[leader] and not gone[other]:
                    gone[other] = True
                    left_out.append(leaving)
                    stay.append(staying)
        order = np.argsort(np.array(left_out, dtype=np.int64))
        return Repeated(np.array(left_out, dtype=np.int64)[order], np.array(stay, dtype=np.int64)[order])

    def _alike(self) -> Iterator[tuple[list[int], list[int], list[int], list[int]]]:
        """Yield pairs that are alike: places of the better and the other row, and their numbers."""
        candidates = self._connection.execute(_CANDIDATES)
        cells = self._cells.opened()
        while some := candidates.fetchmany(_COMPARED):
            leaders, others, better, worse = np.array(some, dtype=np.int64).T
            alike = cells.alike(better, worse, self._similar)
            yield leaders[alike].tolist(), others[alike].tolist(), better[alike].tolist(), worse[alike].tolist()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the cells too."""
        self._cells.remove()
        super().__exit__(kind, error, trace)


def _bands(rows: Rows, signed: np.ndarray, view: View) -> np.ndarray:
    """Return the keys of the bands of a view's rows, each with a signed cell at least, (n, BANDS) uint64.

    What has no signature, and which languages there are, is in the keys: it must be equal. *signed*: (rows, languages).
    """
    union = np.full((len(view.rows), PERMUTATIONS), np.iinfo(np.uint32).max, dtype=np.uint32)
    place = np.full(len(rows.keys), -1, dtype=np.int64)
    place[view.rows] = np.arange(len(view.rows))
    for i in view.columns:
        of_column = rows.signed(i)
        here = place[of_column.rows]
        values = of_column.values[here >= 0]
        here = here[here >= 0]
        union[here] = np.minimum(union[here], values)
    rest = unit_keys(rows.languages, np.where(signed, np.uint64(1), rows.keys), view)
    bands: np.ndarray = mix(Signatures(view.rows, union).bands() ^ rest[:, None])
    return bands
