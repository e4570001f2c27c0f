"""What is done to every sentence before the rules look at it: Unicode's normal forms, blanks, punctuation.

A sentence is one line: line ends within it (TMX has them) become blanks whatever transforms are chosen. Each transform
is a function of a whole column joined by line ends, which it neither makes nor removes nor looks beyond; so one call
does for thousands of sentences.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Literal

import numpy as np
from ftfy.fixes import fix_c1_controls

from data_prep.cleaning.characters import CODE_POINTS
from data_prep.engine.libraries import UNICODE

Transform = Literal["c1", "nfc", "nfkc", "punctuation", "blanks"]
LIBRARIES_OF: Mapping[Transform, tuple[str, ...]] = {
    "c1": ("ftfy",),
    "nfc": (UNICODE,),
    "nfkc": (UNICODE,),
    "punctuation": (),
    "blanks": (),
}
"""Of which another version may give other text."""

_LINE_END = re.compile("\r\n|[\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029]")
_UNUSUAL_BLANKS = re.compile(r" ?[^\S\n ][^\S\n]*| {2}[^\S\n]*")
# A byte order mark within a file, and a hyphen that is no character but a place to break a line.
_MEANINGLESS = ("\ufeff", "\u00ad")

# Character for character what Moses' normalize-punctuation.perl replaces in all languages, and its neighbours in
# Unicode; that script's rules for single languages (where French has blanks, English its commas) are left out.
_PUNCTUATION = {
    '"': "\u201c\u201d\u201e\u201f\u00ab\u00bb\u301d\u301e\u301f\uff02",
    "'": "\u2018\u2019\u201a\u201b\u2039\u203a\u00b4\u0060\uff07",
    "-": "\u2010\u2011\u2012\u2013\u2015\u2212",
}
_LONGER = {"\u2026": "...", "\u2014": " - "}


def transformed(names: Sequence[Transform], texts: Sequence[str]) -> list[str]:
    """Return the sentences after the transforms, in the order given."""
    if not texts:
        return []
    joined = "\n".join(texts)
    if "\r" in joined or len(f"{joined}|".splitlines()) != len(texts):
        joined = "\n".join([_LINE_END.sub(" ", text) for text in texts])
    for name in names:
        joined = _FUNCTIONS[name](joined)
    return joined.split("\n")


def _c1(joined: str) -> str:
    """Make U+0080 to U+009F the characters of Windows-1252 that they are by mistake; ftfy and HTML 5 do the same."""
    return joined if joined.isascii() else fix_c1_controls(joined)


def _nfc(joined: str) -> str:
    return unicodedata.normalize("NFC", joined)


def _nfkc(joined: str) -> str:
    return unicodedata.normalize("NFKC", joined)


def _punctuation(joined: str) -> str:
    """Make quotation marks, apostrophes, dashes and dots those of ASCII."""
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    joined = _plain()[codes].tobytes().decode("utf-32-le", "surrogatepass")
    for character, plain in _LONGER.items():
        joined = joined.replace(character, plain)
    return joined


def _blanks(joined: str) -> str:
    """Make every stretch of blanks, whatever Unicode calls one, a single space; none at the ends."""
    for character in _MEANINGLESS:
        joined = joined.replace(character, "")
    if not joined.isascii() or "  " in joined or "\t" in joined:
        joined = _UNUSUAL_BLANKS.sub(" ", joined)
    return "\n".join([line.strip() for line in joined.split("\n")])


_FUNCTIONS: dict[Transform, Callable[[str], str]] = {
    "c1": _c1,
    "nfc": _nfc,
    "nfkc": _nfkc,
    "punctuation": _punctuation,
    "blanks": _blanks,
}


@cache
def _plain() -> np.ndarray:
    """Return (CODE_POINTS,) uint32: what stands for each character."""
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    for plain, characters in _PUNCTUATION.items():
        table[[ord(character) for character in characters]] = ord(plain)
    return table
