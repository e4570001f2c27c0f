"""The cells of rows on disk, a key and a signature each, so that any two rows can be compared.

Of a signature's places the lowest bytes are kept, 128 bytes a cell: of two that differ one in 256 is equal by chance
(b-bit minwise hashing, Li and König, WWW 2010, b = 8), which raises an estimate of 0.8 by 0.0008, a fiftieth of its
standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.duplicates.near import PERMUTATIONS, Signatures


@dataclass(frozen=True)
class _Table:
    """Where the cells of some rows stand: column after column from cell *start* on."""

    first: int
    rows: int
    languages: tuple[str, ...]
    start: int


class CellFiles:
    """Two files of one record a cell, gaps included, written once and then read at random."""

    def __init__(self, folder: Path) -> None:
        """Begin the files in *folder*."""
        self._paths = folder / "cells.keys", folder / "cells.signatures"
        self._files = tuple(path.open("wb") for path in self._paths)
        self._tables: list[_Table] = []
        self._size = 0

    def add(
        self, first: int, languages: Sequence[str], keys: np.ndarray, signatures: Callable[[int], Signatures]
    ) -> np.ndarray:
        """Write rows, of which *first* is the first one's number, and return which cells are signed.

        keys: (rows, languages) uint64, 0 for gaps; *signatures* gives a column's. Returns (rows, languages) bool.
        """
        self._tables.append(_Table(first, len(keys), tuple(languages), self._size))
        self._size += keys.size
        signed = np.zeros(keys.shape, dtype=bool)
        for i in range(len(languages)):
            of_column = signatures(i)
            signed[of_column.rows, i] = True
            low = np.zeros((len(keys), PERMUTATIONS), dtype=np.uint8)
            low[of_column.rows] = of_column.values.astype(np.uint8)
            for file, column in zip(self._files, (keys[:, i], low), strict=True):
                file.write(np.ascontiguousarray(column).data)
        return signed

    def opened(self) -> Cells:
        """Return what can be read; nothing is added any more."""
        for file in self._files:
            file.close()
        return Cells(self._paths, self._tables)

    def remove(self) -> None:
        """Close and remove the files."""
        for file, path in zip(self._files, self._paths, strict=True):
            file.close()
            path.unlink(missing_ok=True)


class Cells:
    """What `CellFiles` has written."""

    def __init__(self, paths: tuple[Path, ...], tables: Sequence[_Table]) -> None:
        """Map the files; nothing is read yet."""
        tables = sorted(tables, key=lambda table: table.first)
        self._keys: np.ndarray = _mapped(paths[0], np.uint64)
        self._low: np.ndarray = _mapped(paths[1], np.uint8).reshape(-1, PERMUTATIONS)
        self._first = np.array([table.first for table in tables], dtype=np.int64)
        self._languages = sorted({language for table in tables for language in table.languages})
        number = {language: i for i, language in enumerate(self._languages)}
        # Of each table and language: whether there is a column, and the cell that its row with the number 0 would have.
        self._column = np.zeros((len(tables), len(number)), dtype=np.int64)
        self._has = np.zeros((len(tables), len(number)), dtype=bool)
        for which, table in enumerate(tables):
            for i, language in enumerate(table.languages):
                self._column[which, number[language]] = table.start + i * table.rows - table.first
                self._has[which, number[language]] = True

    def alike(self, left: np.ndarray, right: np.ndarray, similar: float) -> np.ndarray:
        """Tell which of two rows each, (n,) int64, are alike in all the languages that both have, two or more.

        Cells are alike when their keys are equal, or when both are signed and a share *similar* of places agrees.
        """
        alike = np.ones(len(left), dtype=bool)
        shared = np.zeros(len(left), dtype=np.int64)
        tables = [np.searchsorted(self._first, rows, side="right") - 1 for rows in (left, right)]
        for language in range(len(self._languages)):
            both = np.flatnonzero(alike & self._has[tables[0], language] & self._has[tables[1], language])
            cells = [self._column[table[both], language] + rows[both]
                     for table, rows in zip(tables, (left, right), strict=True)]  # fmt: skip
            keys = [self._keys[of_rows] for of_rows in cells]
            present = (keys[0] > 0) & (keys[1] > 0)
            shared[both] += present
            differ = np.flatnonzero(present & (keys[0] != keys[1]))
            low = [self._low[of_rows[differ]] for of_rows in cells]
            signed = low[0].any(axis=1) & low[1].any(axis=1)
            near = (low[0] == low[1]).mean(axis=1) >= similar
            alike[both[differ]] = signed & near
        return alike & (shared >= 2)


def _mapped(path: Path, dtype: type[np.generic]) -> np.ndarray:
    """Return a file as an array; one without a byte cannot be mapped."""
    return np.memmap(path, dtype=dtype, mode="r") if path.stat().st_size else np.zeros(0, dtype=dtype)
