"""Rows of a training corpus that become other splits, safe for n-way data.

In an n-way corpus one sentence meets many others, so a check by pairs is not enough: a row that is held out leaves
training together with every row that has the same sentence in any language. Which rows are chosen depends on the seed
and on their own text: a corpus that grows keeps what it held out by a share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import read_arrays, write_arrays
from data_prep.engine.task import Step
from data_prep.stages.clean import KEYS
from data_prep.stages.read import IDS, id_keys
from mtdeep.corpus.permutation import key, mix
from mtdeep.errors import UserError

KINDS = "kinds"
SHARED, TRAINING = -1, 0
"""What a row is, beside the number of the split that it is held out for, from 1."""
SHARED_ROWS = "shares a sentence with a held-out row"
_DRAW = 3  # keeps the draws of a seed apart from its other numbers
_SPARE = 1000  # candidates beyond those that are asked for, at first: some share a sentence with one chosen before

How = int | float | tuple[str, ...]
"""So many rows, this share of them, or those with these ids."""


def hold_out(
    folder: Path,
    chunks: Sequence[tuple[Path, Sequence[str]]],
    splits: Mapping[str, How],
    seed: int,
    corpus: str,
    left: str,
) -> dict[str, Any]:
    """Write for each cleaned chunk, given with its languages, KINDS (`held_out_in`): what its rows are, (rows,) int8.

    Memory is a byte a row, the candidates and one chunk. Returns, for each of *splits* and SHARED_ROWS, how many rows
    and, by language, sentences they are. Raises UserError, with what is *left* of the corpus, when there are too few.
    """
    found = _HoldOut(chunks, seed, corpus, left)
    numbers = {split: number for number, split in enumerate(splits, start=1)}
    for split, ids in splits.items():
        if isinstance(ids, tuple):
            found.take_ids(numbers[split], split, ids)
    start = 0.0
    for split, share in splits.items():
        if isinstance(share, float):
            found.take_share(numbers[split], start, start + share)
            start += share
    found.take_counts({split: (numbers[split], count) for split, count in splits.items() if isinstance(count, int)})
    record = found.finish({SHARED_ROWS: SHARED, **numbers})
    for number, kinds in enumerate(found.kinds):
        write_arrays(held_out_in(folder, number), {KINDS: kinds})
    return record


def held_out_in(folder: Path, number: int) -> Path:
    """Return the file with the kinds of a chunk's rows: one each, since every part reads its own alone."""
    return folder / f"{number:06d}.held_out"


class _HoldOut:
    """What each row of a corpus is, while it is decided; and the sentences that training must not have."""

    def __init__(self, chunks: Sequence[tuple[Path, Sequence[str]]], seed: int, corpus: str, left: str) -> None:
        self._chunks, self._corpus, self._left = chunks, corpus, left
        self._seed = key(seed, _DRAW)
        self._languages = list(dict.fromkeys(code for _, languages in chunks for code in languages))
        self._taken: list[set[int]] = [set() for _ in self._languages]
        self.kinds = [np.full(len(self._keys(chunk)), TRAINING, dtype=np.int8) for chunk in range(len(chunks))]

    def take_ids(self, number: int, split: str, ids: Sequence[str]) -> None:
        """Take the rows with these ids, all of them."""
        wanted = id_keys(ids)
        seen = np.zeros(len(wanted), dtype=bool)
        for chunk, (path, _) in enumerate(self._chunks):
            own = read_arrays(path, lambda name: name == IDS).get(IDS)
            if own is None:
                raise UserError(
                    f"corpus {self._corpus!r}: `holdout` names ids for {split!r}, but its rows have none; say where "
                    "they stand (`id` of tsv, jsonl, parquet), or hold out a number or a share of the rows"
                )
            seen |= np.isin(wanted, own)
            rows = np.flatnonzero(np.isin(own, wanted) & (self.kinds[chunk] == TRAINING))
            keys = self._keys(chunk)
            for row in rows.tolist():
                self._take(chunk, row, number, keys[row])
        if not seen.all():
            missing = ids[int(np.argmin(seen))]
            raise UserError(f"corpus {self._corpus!r}: no row has the id {missing!r} of split {split!r}; correct it")

    def take_share(self, number: int, low: float, high: float) -> None:
        """Take the rows whose draw lies in [low, high), but none that shares a sentence with one taken before."""
        for chunk in range(len(self._chunks)):
            keys = self._keys(chunk)
            share = self._draws(keys).astype(np.float64) * 2.0**-64
            chosen = (low <= share) & (share < high) & (self.kinds[chunk] == TRAINING)
            for row in np.flatnonzero(chosen).tolist():
                if self._is_new(keys[row]):
                    self._take(chunk, row, number, keys[row])

    def take_counts(self, counts: Mapping[str, tuple[int, int]]) -> None:
        """Take so many rows for each split, {split: (number, count)}, in the order of their draws, likewise."""
        total = sum(count for _, count in counts.values())
        candidates = total + _SPARE
        while total:
            taken = [set(keys) for keys in self._taken]
            missing = self._take_smallest(counts, candidates)
            if missing is None:
                return
            if candidates > sum(map(len, self.kinds)):
                split, wanted, left = missing
                raise UserError(
                    f"corpus {self._corpus!r}: `holdout` asks for {wanted} rows of split {split!r}, but only {left} "
                    f"distinct ones are left; hold out fewer ({self._left})"
                )
            candidates *= 4
            self._taken = taken
            for kinds in self.kinds:
                kinds[np.isin(kinds, [number for number, _ in counts.values()])] = TRAINING

    def _take_smallest(self, counts: Mapping[str, tuple[int, int]], candidates: int) -> tuple[str, int, int] | None:
        """Return the split that got too few of so many candidates, what it wanted and what it got."""
        drawn: list[tuple[int, int, int]] = []
        for chunk in range(len(self._chunks)):
            draws = self._draws(self._keys(chunk))
            rows = np.flatnonzero(self.kinds[chunk] == TRAINING)
            rows = rows[np.argsort(draws[rows], kind="stable")[:candidates]]
            drawn = sorted([*drawn, *((int(draws[row]), chunk, row) for row in rows.tolist())])[:candidates]
        keys = self._keys_of((chunk, row) for _, chunk, row in drawn)
        order = iter(drawn)
        for split, (number, wanted) in counts.items():
            left = wanted
            while left:
                _, chunk, row = next(order, (0, -1, 0))
                if chunk < 0:
                    return split, wanted, wanted - left
                if self._is_new(keys[chunk, row]):
                    self._take(chunk, row, number, keys[chunk, row])
                    left -= 1
        return None

    def finish(self, numbers: Mapping[str, int]) -> dict[str, Any]:
        """Set apart what shares a sentence with a row that was taken, and count everything."""
        rows = dict.fromkeys(numbers, 0)
        cells = {name: dict.fromkeys(self._languages, 0) for name in numbers}
        known = [np.fromiter(keys, dtype=np.uint64, count=len(keys)) for keys in self._taken]
        for chunk, kinds in enumerate(self.kinds):
            keys = self._keys(chunk)
            shared = np.any([np.isin(keys[:, i], of_language) for i, of_language in enumerate(known)], axis=0)
            kinds[(kinds == TRAINING) & shared] = SHARED
            for name, number in numbers.items():
                mask = kinds == number
                rows[name] += int(mask.sum())
                for language, count in zip(self._languages, (keys[mask] > 0).sum(axis=0).tolist(), strict=True):
                    cells[name][language] += count
        if not any((kinds == TRAINING).any() for kinds in self.kinds):
            raise UserError(
                f"corpus {self._corpus!r}: nothing is left to train on after `holdout`; hold out less ({self._left})"
            )
        return {"rows": rows, "languages": cells}

    def _keys(self, chunk: int) -> np.ndarray:
        """Return a chunk's keys with a column for every language of the corpus, (rows, languages) uint64."""
        path, languages = self._chunks[chunk]
        own = read_arrays(path, lambda name: name == KEYS)[KEYS]
        keys = np.zeros((len(own), len(self._languages)), dtype=np.uint64)
        keys[:, [self._languages.index(language) for language in languages]] = own
        return keys

    def _keys_of(self, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], np.ndarray]:
        """Return the keys of rows, (languages,) uint64 each, by chunk and row."""
        found: dict[tuple[int, int], np.ndarray] = {}
        for chunk, rows in groupby(sorted(places), key=itemgetter(0)):
            own = self._keys(chunk)
            found |= {(chunk, row): own[row].copy() for _, row in rows}
        return found

    def _draws(self, keys: np.ndarray) -> np.ndarray:
        """Return a number for each row, (rows,) uint64, from the first sentence that it has."""
        first = keys[np.arange(len(keys)), (keys > 0).argmax(axis=1)]
        return mix(first ^ self._seed)

    def _is_new(self, keys: np.ndarray) -> bool:
        return not any(one in taken for one, taken in zip(keys.tolist(), self._taken, strict=True))

    def _take(self, chunk: int, row: int, number: int, keys: np.ndarray) -> None:
        self.kinds[chunk][row] = number
        for one, taken in zip(keys.tolist(), self._taken, strict=True):
            if one:
                taken.add(one)


def holdout_content(chunks: Sequence[Sequence[Any]], splits: Mapping[str, How], seed: int) -> dict[str, Any]:
    """Return what decides which rows are held out."""
    asked = [[split, how] for split, how in splits.items()]
    return {"chunks": [list(chunk) for chunk in chunks], "splits": asked, "seed": seed}


HOLD_OUT_STEP = Step("hold_out", hold_out, revision=2)
