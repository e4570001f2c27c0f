"""Which rows of a corpus have a sentence in a language, one bit a row, and the rows that two languages share.

The list of the rows that two languages share takes 4 bytes a row and pair of languages, or the time to make it again.
Row number k of it is found without it: shared rows are counted by blocks, and only k's block is looked into (rank and
select on bit vectors: Jacobson, "Space-efficient static trees and graphs", FOCS 1989).

    words (blocks, 16) uint64 of a language: row r is bit r mod 64 of word r div 64; behind the last row all is absent
"""

from __future__ import annotations

import numpy as np

_WORD = np.dtype("<u8")
_WORDS = 16
_BITS = 64
BLOCK_ROWS = _WORDS * _BITS
# Words of pairs that are looked at together.
_BYTES_AT_A_TIME = 8 << 20


def packed(present: np.ndarray) -> np.ndarray:
    """Words of (rows,) booleans."""
    rows = np.packbits(present, bitorder="little")
    words: np.ndarray = nothing(1, len(present))[0]
    words.reshape(-1).view(np.uint8)[: len(rows)] = rows
    return words


def nothing(languages: int, rows: int) -> np.ndarray:
    """Words of languages, (languages, blocks, 16), that have no row yet."""
    return np.zeros((languages, -(-rows // BLOCK_ROWS), _WORDS), dtype=_WORD)


def rows_of(words: np.ndarray, rows: int) -> np.ndarray:
    """The present ones of so many rows, ascending: (n,) int64."""
    return np.flatnonzero(np.unpackbits(words.reshape(-1).view(np.uint8), count=rows, bitorder="little"))


def select(words: np.ndarray, one: np.ndarray, other: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Rows number k, from 0, of those that two languages share, (n,) int64, for many pairs of languages at once.

    words: (languages, blocks, 16); one, other: the pair of each number, (n,); numbers: k, (n,).
    """
    pair = np.minimum(one, other) * len(words) + np.maximum(one, other)
    block, before = _blocks(words, pair, numbers)
    shared = words[one, block] & words[other, block]
    in_words = np.cumsum(np.bitwise_count(shared), axis=1, dtype=np.int64)
    word = (in_words <= before[:, None]).sum(axis=1)
    each = np.arange(len(numbers))
    before -= np.where(word > 0, in_words[each, word - 1], 0)
    bits = np.unpackbits(shared[each, word].view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    bit = (np.cumsum(bits, axis=1, dtype=np.uint8) <= before[:, None]).sum(axis=1)
    row: np.ndarray = (block * _WORDS + word) * _BITS + bit
    return row


def _blocks(words: np.ndarray, pair: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Block of each number, and its number within that block: (n,) int64 each."""
    blocks = words.shape[1]
    block, before = np.empty((2, len(numbers)), dtype=np.int64)
    order = np.argsort(pair, kind="stable")
    pairs, first = np.unique(pair[order], return_index=True)
    first = np.append(first, len(order))
    step = max(_BYTES_AT_A_TIME // (blocks * BLOCK_ROWS // 8), 1)
    for start in range(0, len(pairs), step):
        here = order[first[start] : first[min(start + step, len(pairs))]]
        one, other = np.divmod(pairs[start : start + step], len(words))
        # Shared rows up to the end of each block, of one pair after the other, as one ascending list to search.
        counts = np.bitwise_count(words[one] & words[other]).sum(axis=2, dtype=np.int64)
        ends = np.concatenate(([0], np.cumsum(counts)))
        place = np.searchsorted(pairs[start : start + step], pair[here])
        number = ends[place * blocks] + numbers[here]
        found = np.searchsorted(ends, number, side="right") - 1
        block[here], before[here] = found - place * blocks, number - ends[found]
    return block, before
