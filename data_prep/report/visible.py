"""Text of unknown origin, shown so that nothing in it acts: no control, no override of direction, no endless line."""

from __future__ import annotations

import unicodedata

_ACTING = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
_JOINERS = "\u200c\u200d"  # which Persian and the scripts of India spell with
SHOWN = 300
"""Characters of a text that `cut` leaves."""


def visible(text: str) -> str:
    """Return *text* with characters that act or cannot be seen written out: a line feed becomes [U+000A]."""
    return "".join(char if _is_harmless(char) else f"[U+{ord(char):04X}]" for char in text)


def cut(text: str) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _is_harmless(char: str) -> bool:
    return char.isprintable() or char in _JOINERS or unicodedata.category(char) not in _ACTING
