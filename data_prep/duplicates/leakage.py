"""Sentences that are scored must not be trained on, in whatever direction they come.

Every sentence of every test and validation set is known by its key (exact) and its signature (near), language by
language. Training text is asked cell by cell: a cell that is known loses its text, and its row stays for its other
languages. So a sentence of an n-way test set leaves all the directions from and to its language, which a check pair by
pair misses when the same sentence meets another translation in training. Codes that differ by a region or a variant
alone (`en`, `en-US`) are one language here: a sentence is the same in them more often than not. So are a code that
names no script and the scripts that text under it may be in (`uz`, `uz-Cyrl`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import langcodes
import numpy as np

from data_prep.duplicates.near import PERMUTATIONS, NearIndex, Signatures
from mtdeep.languages import find, script, scripts

EXACT, NEAR = "exact", "near"


@cache
def searched_as(code: str) -> str:
    """Return the code that a code of text is searched under, language and script: `en-Latn` for `en` and `en-US`.

    Text of a language without its script may be in any of several (`scripts`): all of these have one code, `uz-Latn`
    for `uz`, `uz-Cyrl` and `uz-AF`. Codes of old stores are searched under what they mean today.
    """
    canonical = find(code) or code
    language = langcodes.Language.get(canonical, normalize=False).language
    bare = find(language) or language
    may_be_in = scripts(bare)
    alike = not may_be_in or script(canonical) in may_be_in
    return f"{language}-{script(bare if alike else canonical)}"


def searched_together(codes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return what `searched_as` gives -> those of canonical codes that it is for, in their order."""
    groups: dict[str, list[str]] = {}
    for code in dict.fromkeys(codes):
        groups.setdefault(searched_as(code), []).append(code)
    return {group: tuple(members) for group, members in groups.items()}


@dataclass(frozen=True)
class Matches:
    """Cells of training text that are known from evaluation sets.

    sets: the index of the set that each cell is known from, the first of several, or -1; (rows,) int64.
    near: whether it is known by its signature alone, (rows,) bool.
    sentences: the number of the sentence of that set that it is most like, or -1, (rows,) int64; similarity: 1 for an
    equal one, else the estimate of J, (rows,) float64.
    met: the keys of all the evaluation sentences that some cell equals or resembles, ascending, (n,) uint64.
    """

    sets: np.ndarray
    near: np.ndarray
    sentences: np.ndarray
    similarity: np.ndarray
    met: np.ndarray

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

    @classmethod
    def joined(cls, parts: Sequence[Known]) -> Known:
        """Return the parts of one set, its chunks or its codes of one language, as one."""
        starts = np.cumsum([0, *(len(part.keys) for part in parts[:-1])]).tolist()
        signed = [(start, part.signatures) for start, part in zip(starts, parts, strict=True) if part.signatures]
        keys = np.concatenate([part.keys for part in parts])
        if not signed:
            return cls(keys)
        rows = np.concatenate([start + each.rows for start, each in signed])
        return cls(keys, Signatures(rows, np.concatenate([each.values for _, each in signed])))


@dataclass(frozen=True)
class Meetings:
    """Where training text meets evaluation sentences: *cells* and *sentences* are their numbers, (n,) int64.

    similarity: 1 for equal keys, else the estimate of J, (n,) float64; exact: whether the keys are equal, (n,) bool.
    """

    cells: np.ndarray
    sentences: np.ndarray
    similarity: np.ndarray
    exact: np.ndarray


class EvaluationIndex:
    """The different sentences of one language in all evaluation sets."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take what `indexed` has made: plain arrays, which a file can hold."""
        self._keys, self._owners = arrays["keys"], arrays["owners"]
        self._near = NearIndex(Signatures(arrays["signed"], arrays["signatures"]))

    def meet(self, keys: np.ndarray, signatures: Signatures | None) -> Meetings:
        """Return all that cells meet, by their keys (rows,) uint64, 0 for gaps, and near to it by their signatures.

        Sentences are numbered as in the arrays.
        """
        place = np.searchsorted(self._keys, keys)
        cells = np.flatnonzero(place < len(self._keys))
        cells = cells[self._keys[place[cells]] == keys[cells]]
        sentences, similarity = place[cells], np.ones(len(cells))
        exact = np.ones(len(cells), dtype=bool)
        if signatures is not None:
            near = self._near.find(signatures)
            other = self._keys[near.known] != keys[near.asked]
            cells = np.concatenate([cells, near.asked[other]])
            sentences = np.concatenate([sentences, near.known[other]])
            similarity = np.concatenate([similarity, near.similarity[other]])
            exact = np.concatenate([exact, np.zeros(int(other.sum()), dtype=bool)])
        return Meetings(cells, sentences, similarity, exact)

    def match(self, keys: np.ndarray, signatures: Signatures | None) -> Matches:
        """Ask for cells by their keys (rows,) uint64, 0 for gaps, and those without an exact match by signatures."""
        met = self.meet(keys, signatures)
        owners = self._owners[met.sentences]
        order = np.lexsort((-met.similarity, owners, ~met.exact, met.cells))
        cells, first = np.unique(met.cells[order], return_index=True)
        best = order[first]
        sets, near = np.full(len(keys), -1), np.zeros(len(keys), dtype=bool)
        sentences, similarity = np.full(len(keys), -1), np.zeros(len(keys))
        sets[cells], near[cells] = owners[best], ~met.exact[best]
        sentences[cells], similarity[cells] = met.sentences[best], met.similarity[best]
        return Matches(sets, near, sentences, similarity, np.unique(self._keys[met.sentences]))


def indexed(sets: Mapping[int, Known]) -> dict[str, np.ndarray]:
    """Return the arrays of an index of evaluation sets by their numbers; of equal sentences the first set's stays.

    keys: of the different sentences, ascending, (n,) uint64; owners: their sets, (n,) int64; signed: which of them have
    a signature, (m,) int64; signatures: (m, PERMUTATIONS) uint32.
    """
    keys = np.concatenate([np.zeros(0, dtype=np.uint64), *(known.keys for known in sets.values())])
    owners = np.repeat([*sets], [len(known.keys) for known in sets.values()]).astype(np.int64)
    distinct, first = np.unique(keys[keys > 0], return_index=True)
    signed = [(known.keys[known.signatures.rows], known.signatures.values)
              for known in sets.values() if known.signatures is not None]  # fmt: skip
    signed_keys = np.concatenate([np.zeros(0, dtype=np.uint64), *(of_set for of_set, _ in signed)])
    values = np.concatenate([np.zeros((0, PERMUTATIONS), dtype=np.uint32), *(of_set for _, of_set in signed)])
    signed_keys, which = np.unique(signed_keys, return_index=True)
    return {
        "keys": distinct,
        "owners": owners[keys > 0][first],
        "signed": np.searchsorted(distinct, signed_keys),
        "signatures": values[which],
    }
