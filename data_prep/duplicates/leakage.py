"""Sentences that are scored must not be trained on, in whatever direction they come.

Every sentence of every test and validation set is known by its key (exact) and its signature (near), language by
language. Training text is asked cell by cell: a cell that is known loses its text, and its row stays for its other
languages. So a sentence of an n-way test set leaves all the directions from and to its language, which a check pair by
pair misses when the same sentence meets another translation in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.duplicates.near import PERMUTATIONS, NearIndex, Signatures

EXACT, NEAR = "exact", "near"


@dataclass(frozen=True)
class Matches:
    """Cells of training text that are known from evaluation sets.

    sets: the index of the set that each cell is known from, the first of several, or -1; (rows,) int64.
    near: whether it is known by its signature alone, (rows,) bool.
    """

    sets: np.ndarray
    near: np.ndarray

    def counts(self, names: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return set -> exact or near -> cells, without the zeros."""
        found: dict[str, dict[str, int]] = {}
        for kind, mask in ((EXACT, ~self.near), (NEAR, self.near)):
            for number, cells in zip(*np.unique(self.sets[(self.sets >= 0) & mask], return_counts=True), strict=True):
                found.setdefault(names[number], {})[kind] = int(cells)
        return found


@dataclass(frozen=True)
class Known:
    """The sentences of one language in one evaluation set: keys (n,) uint64, 0 for gaps; signatures where wanted."""

    keys: np.ndarray
    signatures: Signatures | None = None


class EvaluationIndex:
    """The sentences of one language in all evaluation sets."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take what `indexed` has made: plain arrays, which a file can hold."""
        self._keys, self._owners = arrays["keys"], arrays["owners"]
        self._near_owners = arrays["near_owners"]
        self._near = NearIndex(Signatures(np.arange(len(self._near_owners)), arrays["signatures"]))

    def match(self, keys: np.ndarray, signatures: Signatures | None) -> Matches:
        """Ask for cells by their keys (rows,) uint64, 0 for gaps, and those without an exact match by signatures."""
        sets = np.full(len(keys), -1, dtype=np.int64)
        if len(self._keys):
            place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            exact = self._keys[place] == keys
            sets[exact] = self._owners[place[exact]]
        near = np.zeros(len(keys), dtype=bool)
        if signatures is not None:
            found = self._near.find(signatures)
            rows = signatures.rows[found >= 0]
            fresh = sets[rows] < 0
            near[rows[fresh]] = True
            sets[rows[fresh]] = self._near_owners[found[found >= 0][fresh]]
        return Matches(sets, near)


def indexed(sets: Mapping[int, Known]) -> dict[str, np.ndarray]:
    """Return the arrays of an index of evaluation sets by their numbers. Of equal sentences the first set's stays."""
    keys = np.concatenate([np.zeros(0, dtype=np.uint64), *(known.keys for known in sets.values())])
    owners = np.repeat([*sets], [len(known.keys) for known in sets.values()]).astype(np.int64)
    distinct, first = np.unique(keys[keys > 0], return_index=True)
    signed = {number: known.signatures for number, known in sets.items() if known.signatures is not None}
    nothing = np.zeros((0, PERMUTATIONS), dtype=np.uint32)
    return {
        "keys": distinct,
        "owners": owners[keys > 0][first],
        "near_owners": np.repeat([*signed], [len(each.rows) for each in signed.values()]).astype(np.int64),
        "signatures": np.concatenate([nothing, *(each.values for each in signed.values())]),
    }
