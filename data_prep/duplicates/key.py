"""When two sentences are the same: up to case, width and spaces."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import xxhash

_SPACE, _NEWLINE = b" \n"
# What else str.split takes for blanks, and NFKC leaves as they are.
_OTHER_BLANKS = tuple(blank.encode() for blank in "\t\v\f\r\x1c\x1d\x1e\x1f\x85\u1680\u2028\u2029")


def sentence_key(sentence: str) -> int:
    """Return a 64-bit key that is equal for sentences that differ in case, width or spaces only; 0 for a gap."""
    return int(sentence_keys([sentence])[0])


def sentence_keys(sentences: Sequence[str]) -> np.ndarray:
    """Return the keys of many, (n,) uint64."""
    folded = [s.lower() if s.isascii() else unicodedata.normalize("NFKC", s).casefold() for s in sentences]
    lines = _lines(folded)
    # To cut every sentence at its blanks costs more than all the rest, and few texts need it.
    if lines.count(b"\n") > len(folded) + 1 or not _single_spaced(lines):
        lines = _lines(" ".join(s.split()) for s in folded)
    keys = (xxhash.xxh3_64_intdigest(line) if line else 0 for line in lines.split(b"\n")[1:-1])
    return np.fromiter(keys, dtype=np.uint64, count=len(sentences))


def _lines(sentences: Iterable[str]) -> bytes:
    """Return sentences as UTF-8, with a newline before each and behind the last."""
    return "\n".join(("", *sentences, "")).encode("utf-8", "surrogatepass")


def _single_spaced(lines: bytes) -> bool:
    """Tell whether single spaces inside of lines are all the blanks there are."""
    units = np.frombuffer(lines, dtype=np.uint8)
    space = units == _SPACE
    edge = space | (units == _NEWLINE)
    doubled = (space[1:] & edge[:-1]).any() or (edge[1:] & space[:-1]).any()
    return not doubled and not any(blank in lines for blank in _OTHER_BLANKS)
