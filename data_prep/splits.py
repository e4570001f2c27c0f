"""Held-out lines taken from a training corpus, safe for n-way data.

In an n-way corpus one sentence meets many others, so a pair-wise check is not enough: a held-out row leaves training
together with every row that has the same sentence in any language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import compress

import numpy as np
import xxhash

from data_prep.duplicates.key import sentence_key
from data_prep.table import Account, AlignedText, count_gaps
from mtdeep.errors import UserError


def hold_out(table: AlignedText, sizes: Mapping[str, int], seed: int) -> list[AlignedText]:
    """Return *table* without its held-out rows, then one table for each split of *sizes*.

    Which rows are chosen depends on the seed, the corpus's name and the row number alone, except that a row is passed
    over when it shares a sentence with one chosen before. Raises UserError when there are too few rows.
    """
    keys = _keys(table)
    chosen, taken = _choose(table, keys, sizes, seed)
    shared = np.zeros(table.rows, dtype=bool)
    for i in range(len(table.languages)):
        shared |= np.isin(keys[:, i], np.fromiter(taken[i], dtype=np.uint64, count=len(taken[i])))
    held_out = np.zeros(table.rows, dtype=bool)
    for rows in chosen.values():
        held_out[rows] = True
    train = ~held_out & ~shared
    if not train.any():
        raise UserError(f"corpus {table.name!r}: nothing is left to train on after `holdout`; hold out fewer lines")
    rejected = dict(table.account.rejected)
    rejected.update({f"held out for {split}": len(rows) for split, rows in chosen.items()})
    rejected["shares a sentence with a held-out line"] = int((shared & ~held_out).sum())
    tables = [_select(table, table.split, train, table.account.read, {k: n for k, n in rejected.items() if n})]
    for split, rows in chosen.items():
        mask = np.zeros(table.rows, dtype=bool)
        mask[rows] = True
        tables.append(_select(table, split, mask, len(rows), {}))
    return tables


def _keys(table: AlignedText) -> np.ndarray:
    """Return (rows, languages) uint64 keys of the sentences."""
    keys = np.empty((table.rows, len(table.languages)), dtype=np.uint64)
    for i, language in enumerate(table.languages):
        column = map(sentence_key, table.column(language))
        keys[:, i] = np.fromiter(column, dtype=np.uint64, count=table.rows)
    return keys


def _choose(
    table: AlignedText, keys: np.ndarray, sizes: Mapping[str, int], seed: int
) -> tuple[dict[str, list[int]], list[set[int]]]:
    """Return the rows of each split, and for each language the keys that training must not have."""
    draw = [xxhash.xxh3_64_intdigest(f"{seed} {table.name} {row}".encode()) for row in range(table.rows)]
    order: Iterator[int] = iter(np.argsort(np.array(draw, dtype=np.uint64), kind="stable").tolist())
    taken: list[set[int]] = [set() for _ in table.languages]
    chosen: dict[str, list[int]] = {}
    for split, size in sizes.items():
        rows: list[int] = []
        while len(rows) < size:
            row = next(order, None)
            if row is None:
                raise UserError(
                    f"corpus {table.name!r}: `holdout` asks for {size} lines of split {split!r}, but only {len(rows)} "
                    "distinct ones are left; hold out fewer"
                )
            found = keys[row].tolist()
            if any(key in seen for key, seen in zip(found, taken, strict=True)):
                continue
            rows.append(row)
            for key, seen in zip(found, taken, strict=True):
                if key:
                    seen.add(key)
        chosen[split] = sorted(rows)
    return chosen, taken


def _select(table: AlignedText, split: str, mask: np.ndarray, read: int, rejected: dict[str, int]) -> AlignedText:
    present = table.present[mask]
    place = np.cumsum(mask) - 1  # old row -> new row
    vanished = {language: place[rows[mask[rows]]] for language, rows in table.vanished.items()}
    account = Account(read, int(mask.sum()), rejected, count_gaps(table.languages, present, vanished))

    def column(language: str) -> Iterator[str]:
        return compress(table.column(language), mask)

    return AlignedText(table.name, split, table.languages, present, column, account, table.provenance, vanished)
