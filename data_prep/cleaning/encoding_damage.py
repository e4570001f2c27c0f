"""Rule: characters that no text has on purpose, and text that was decoded with the wrong encoding."""

from __future__ import annotations

import re
from functools import cache
from typing import ClassVar

import ftfy
import numpy as np
from ftfy.badness import MOJIBAKE_CATEGORIES, badness

from data_prep.cleaning.characters import CODE_POINTS, DAMAGE, SCRIPTED, classes, letters_of, matching
from data_prep.cleaning.rule import CellRule
from data_prep.cleaning.texts import Texts

_LONE = re.compile(r"(?<!\S)\u00c2(?!\S)")


class EncodingDamage(CellRule):
    """Score: damaged characters (`characters.DAMAGE`), else places that ftfy takes for mojibake (`Ã¼` for `ü`).

    ftfy's heuristic alone also meets true text, so its places count only where ftfy can also decode the text again
    (`ftfy.fix_encoding` changes it). It is asked about the few lines with a pair of characters that the heuristic
    looks for. A lone `Â` is a word (of Sango, of Vietnamese in capitals), though a lone U+00A0 may have become one: it
    counts only where it hangs on a word, as in `prixÂ :`. Nor does a place count that would become one letter of
    another script among Latin ones: tone letters of Chinantec (`áˆ `) are no Ethiopic.
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
            text = _LONE.sub("A", texts[i])
            places = badness(text)
            if places and _is_mended(text, ftfy.fix_encoding(text)):
                damage[i] += places
        return damage.astype(float)


def _is_mended(text: str, decoded: str) -> bool:
    """Tell whether text that was decoded again has become other text, and not by chance: lone letters are no word."""
    new = [i for i, character in enumerate(decoded) if character not in text]
    return decoded != text and not (new and all(_is_lone(decoded, i) for i in new))


def _is_lone(text: str, place: int) -> bool:
    """Tell whether a character is a letter that is not Latin, without another beside it."""
    foreign = [_is_foreign(character) for character in text[max(0, place - 1) : place + 2]]
    return _is_foreign(text[place]) and sum(foreign) == 1


def _is_foreign(character: str) -> bool:
    code = ord(character)
    return bool(classes()[code] & SCRIPTED) and not letters_of(frozenset({"Latn"}))[code]


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
