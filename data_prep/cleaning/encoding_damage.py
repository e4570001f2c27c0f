"""Rule: characters that no text has on purpose, and text that was decoded with the wrong encoding."""

from __future__ import annotations

import re
from functools import cache
from typing import ClassVar

import ftfy
import numpy as np
from ftfy.badness import MOJIBAKE_CATEGORIES, badness

from data_prep.cleaning.characters import CODE_POINTS, DAMAGE, matching
from data_prep.cleaning.rule import CellRule
from data_prep.cleaning.texts import Texts


class EncodingDamage(CellRule):
    """Score: damaged characters (`characters.DAMAGE`), else places that ftfy takes for mojibake (`Ã¼` for `ü`).

    ftfy's heuristic alone also meets true text, so its places count only where ftfy can also decode the text again
    (`ftfy.fix_encoding` changes it). It is asked about the few lines with a pair of characters that the heuristic
    looks for.
    """

    name: ClassVar[str] = "encoding_damage"
    above: ClassVar[str] = "broken characters"
    edges: ClassVar[tuple[float, ...]] = (1, 2, 3, 5, 10, 20, 50)
    libraries: ClassVar[tuple[str, ...]] = ("ftfy",)

    max: float | None = 0

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the number of damaged characters and mojibake."""
        damage = texts.count_class(DAMAGE)
        for i in (i for i in suspects(texts) if not damage[i]):
            places = badness(texts[i])
            if places and ftfy.fix_encoding(texts[i]) != texts[i]:
                damage[i] += places
        return damage.astype(float)


def suspects(texts: Texts) -> list[int]:
    """Return the texts, ascending, that may be mojibake: two neighbours of which one at least is unusual there."""
    kinds = _kinds()[texts.codes]
    first, second = kinds[:-1], kinds[1:]
    pair = (first > 0) & (second > 0) & (first + second > 2 * _LETTER)
    # A-tilde or A-circumflex and a blank that once was U+00A0.
    pair |= ((texts.codes[:-1] | 1) == 0xC3) & (texts.codes[1:] == 0x20)
    return np.unique(texts.owners(np.flatnonzero(pair))).tolist()


_LETTER, _OTHER = 1, 2
# Letters that are usual beside one another: ftfy's patterns have them beside other characters only.
_LETTERS = ("lower_common", "upper_common", "lower_accented", "kaomoji")


@cache
def _kinds() -> np.ndarray:
    """Return (CODE_POINTS,) uint8: _LETTER, _OTHER, or 0 for ASCII and what single-byte encodings do not have."""
    table = np.zeros(CODE_POINTS, np.uint8)
    for name in sorted(MOJIBAKE_CATEGORIES, key=_LETTERS.__contains__):
        kind = _LETTER if name in _LETTERS else _OTHER
        found = matching(f"[{re.escape(MOJIBAKE_CATEGORIES[name]).replace(chr(92) + '-', '-')}]")
        table[found & (table == 0)] = kind
    table[:0x80] = 0
    # The degree sign, with the letters for its use in emoticons, and Dje, which quotation marks become in Windows-1251.
    table[[0xB0, 0x402]] = _OTHER
    return table
