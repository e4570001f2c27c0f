"""A column of sentences as rules look at it: the strings, and one array with the code points of all of them.

Python needs microseconds to look at one sentence's characters one by one; numpy looks at a whole column's in one pass.
Everything here is made when a rule first asks for it, and shared by those that follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np

from data_prep.cleaning.characters import SPACE, classes

SEPARATOR = "\n"


class Texts(Sequence[str]):
    """Sentences of one language; a gap is the empty string.

    Positions in `joined`, `codes` and `classes` are the same: sentence i takes starts[i] up to starts[i] + lengths[i],
    and a separator follows it. Line ends within a sentence are kept.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._texts[index]

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Return (texts,) int64: characters (code points) of each."""
        return np.fromiter(map(len, self._texts), np.int64, len(self._texts))

    @cached_property
    def starts(self) -> np.ndarray:
        """Return (texts,) int64: where each begins in `joined`."""
        return np.cumsum(self.lengths + 1) - self.lengths - 1

    @cached_property
    def present(self) -> np.ndarray:
        """Return (texts,) bool: False for gaps."""
        return self.lengths > 0

    @cached_property
    def joined(self) -> str:
        """Return all sentences, each with the separator behind it."""
        return SEPARATOR.join((*self._texts, ""))

    @cached_property
    def codes(self) -> np.ndarray:
        """Return (characters,) uint32: the code points of `joined`."""
        return np.frombuffer(self.joined.encode("utf-32-le", "surrogatepass"), np.uint32)

    @cached_property
    def classes(self) -> np.ndarray:
        """Return (characters,) uint8: the bits of `characters.classes` for `codes`."""
        return classes()[self.codes]

    def count_where(self, chosen: np.ndarray) -> np.ndarray:
        """Return (texts,) int64: how many characters of each are *chosen*, (characters,) bool."""
        before = np.zeros(len(chosen) + 1, np.int64)
        np.cumsum(chosen, out=before[1:])
        return before[self.starts + self.lengths] - before[self.starts]

    def count_class(self, bits: int) -> np.ndarray:
        """Return (texts,) int64: how many characters of each have one of the class *bits*."""
        return self.count_where(self.classes & bits != 0)

    @cached_property
    def not_blank(self) -> np.ndarray:
        """Return (texts,) int64: characters without blanks, of which shares are taken."""
        return self.lengths - self.count_class(SPACE)

    def owners(self, positions: np.ndarray) -> np.ndarray:
        """Return (positions,) int64: the sentence that each position of `joined` lies in."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def longest_run(self, chosen: np.ndarray) -> np.ndarray:
        """Return (texts,) int64: the longest row of neighbours that are *chosen*, (characters,) bool.

        No separator may be chosen.
        """
        changes = np.flatnonzero(np.diff(chosen, prepend=False, append=False))
        first, behind = changes[::2], changes[1::2]
        longest = np.zeros(len(self), np.int64)
        np.maximum.at(longest, self.owners(first), behind - first)
        return longest

    def containing(self, *literals: str) -> list[int]:
        """Return the sentences, ascending, that have one of *literals* in them: what a slower search is worth for."""
        positions: list[int] = []
        for literal in literals:
            at = self.joined.find(literal)
            while at >= 0:
                positions.append(at)
                at = self.joined.find(literal, at + 1)
        return np.unique(self.owners(np.array(positions, np.int64))).tolist()

    def where(self, kept: np.ndarray) -> Texts:
        """Return the same sentences with gaps where *kept*, (texts,) bool, is False."""
        if not (self.present & ~kept).any():
            return self
        return Texts([text if keep else "" for text, keep in zip(self._texts, kept.tolist())])
