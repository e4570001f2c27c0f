"""Tables over all of Unicode: what class and what script a code point has, so that numpy can count a column at once.

Scripts and general categories are those of the `regex` package (its version is pinned in constraints.txt), not of
`unicodedata`, whose Unicode version changes with Python's: the same text is judged equally on 3.11 and on 3.13.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import regex

CODE_POINTS = 0x110000

DIGIT = 1
"""Decimal digits of any script."""
PUNCTUATION = 2
"""Punctuation and symbols (currency, mathematics, emoji)."""
SPACE = 4
"""Blanks and line ends."""
SCRIPTED = 8
"""Letters and marks that belong to one script or few: neither Common (as U+30FC) nor Inherited (as U+0301)."""
DAMAGE = 16
"""What no text has on purpose: U+FFFD, controls but tab and line ends, surrogates, private use, noncharacters."""
VISIBLE = 32
"""What leaves ink: neither blank nor control nor format nor ignorable (U+00AD, U+200B, U+3164, variation selectors)."""

_CLASSES = {
    DIGIT: r"\p{Nd}",
    PUNCTUATION: r"[\p{P}\p{S}]",
    SPACE: r"[\p{White_Space}]",
    SCRIPTED: r"[[\p{L}\p{M}]--[\p{Script=Zyyy}\p{Script=Zinh}]]",
    DAMAGE: r"[\ufffd\p{Cs}\p{Co}\p{Noncharacter_Code_Point}[\p{Cc}--[\t\n\v\f\r\x85]]]",
    VISIBLE: r"[^\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]",
}
# ISO 15924 has codes for what is written in several of Unicode's scripts.
_COMPOSED = {
    "Hans": ("Hani", "Bopo"),
    "Hant": ("Hani", "Bopo"),
    "Hanb": ("Hani", "Bopo"),
    "Hrkt": ("Hira", "Kana"),
    "Jpan": ("Hani", "Hira", "Kana"),
    "Kore": ("Hang", "Hani"),
    "Aran": ("Arab",),
    "Cyrs": ("Cyrl",),
    "Geok": ("Geor",),
    "Latf": ("Latn",),
    "Latg": ("Latn",),
    "Syre": ("Syrc",),
    "Syrj": ("Syrc",),
    "Syrn": ("Syrc",),
}
WITHOUT_WORDS = frozenset(
    {
        *("Hani", "Hans", "Hant", "Hanb", "Bopo", "Jpan", "Hira", "Kana", "Hrkt", "Yiii", "Nshu", "Tang", "Kits"),
        *("Thai", "Laoo", "Khmr", "Mymr", "Tibt", "Lana", "Tale", "Talu", "Tavt", "Cham", "Phag"),
        *("Bali", "Java", "Sund", "Batk", "Bugi", "Rjng", "Egyp", "Xsux", "Maya"),
    }
)
"""Scripts that are written without blanks between words, or with blanks between other units (Tibetan: phrases)."""


_SCRIPT = re.compile("[A-Z][a-z]{3}")


@cache
def classes() -> np.ndarray:
    """Return (CODE_POINTS,) uint8: the sum of the class bits of every code point."""
    table = np.zeros(CODE_POINTS, np.uint8)
    for bit, pattern in _CLASSES.items():
        table[matching(pattern)] |= bit
    table.setflags(write=False)
    return table


@cache
def letters_of(scripts: frozenset[str]) -> np.ndarray:
    """Return (CODE_POINTS,) bool: the letters and marks of any of *scripts* (ISO 15924 codes, Jpan and Hans too).

    Raises ValueError for a code that is no script of Unicode.
    """
    single = sorted({part for script in scripts for part in _COMPOSED.get(script, (script,))})
    of_scripts = "".join(rf"\p{{Script={script}}}" for script in single)
    try:
        table = matching(rf"[[{of_scripts}]&&[\p{{L}}\p{{M}}]]")
    except regex.error:
        table = np.zeros(0, bool)
    if not table.any() or not all(_SCRIPT.fullmatch(script) for script in scripts):
        raise ValueError(f"no script of Unicode among {sorted(scripts)}; use ISO 15924 codes such as Latn")
    table.setflags(write=False)
    return table


def matching(pattern: str) -> np.ndarray:
    """Return (CODE_POINTS,) bool: the code points that *pattern*, a set of `regex`, matches."""
    table = np.zeros(CODE_POINTS, bool)
    for found in regex.finditer(f"(?V1){pattern}+", _everything()):
        table[found.start() : found.end()] = True
    return table


@cache
def _everything() -> str:
    return "".join(map(chr, range(CODE_POINTS)))
