"""Which characters a vocabulary has pieces for, script by script.

SentencePiece's character_coverage counts the characters of all text together: among many languages 0.9995 of it leaves
out letters of small ones, while 1 takes in every rare Chinese character. Here each group of scripts has its own share.
The text is divided at the characters that are left out, which are unknown then, or spelt as bytes; SentencePiece would
put a boundary there too, but would not begin a word behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from data_prep.cleaning.characters import CODE_POINTS, letters_of
from data_prep.normalisation import normalizer

DEFAULT = "default"
"""What stands for the letters of every script that is not named, and for all that is no letter."""
_LINES = 1 << 14  # counted at a time


def left_out(lines: Iterable[str], shares: Mapping[str, float], rule: str) -> str:
    """Return the characters that no piece is for; *shares*: ISO 15924 code or DEFAULT -> share of its characters.

    Of each group the most frequent characters stay, up to the first with which they are that share of its text, after
    normalisation by *rule*; of equally frequent ones the lower code points. Blanks stay in any case.
    """
    counts = np.zeros(CODE_POINTS, dtype=np.int64)
    for block in _blocks(_normalised(lines, rule)):
        codes = np.frombuffer(block.encode("utf-32-le", "surrogatepass"), np.uint32)
        found, times = np.unique(codes, return_counts=True)
        counts[found] += times
    counts[[ord(" "), ord("\n")]] = 0
    named = {script: letters_of(frozenset({script})) for script in shares if script != DEFAULT}
    taken = np.zeros(CODE_POINTS, dtype=bool)
    gone: list[int] = []
    for script, letters in named.items():
        gone += _rare(np.where(letters & ~taken, counts, 0), shares[script])
        taken |= letters
    gone += _rare(np.where(taken, 0, counts), shares.get(DEFAULT, 1.0))
    return "".join(map(chr, sorted(gone)))


def divided(lines: Iterable[str], characters: str, rule: str) -> Iterator[str]:
    """Yield the lines after normalisation, in parts where one of *characters* stood; no part is blank."""
    boundary = re.compile(f"[{re.escape(characters)}]+") if characters else None
    for line in _normalised(lines, rule):
        for part in boundary.split(line) if boundary else [line]:
            if part.strip():
                yield part.strip()


def _rare(counts: np.ndarray, share: float) -> list[int]:
    """Return the code points beyond the share of the sum."""
    present = np.flatnonzero(counts)
    order = present[np.argsort(-counts[present], kind="stable")]
    before = np.cumsum(counts[order]) - counts[order]
    return order[before >= share * counts.sum()].tolist() if share < 1 else []


def _normalised(lines: Iterable[str], rule: str) -> Iterator[str]:
    own = normalizer(rule, escaped=False)
    return (own.normalize(line) for line in lines)


def _blocks(lines: Iterator[str]) -> Iterator[str]:
    block: list[str] = []
    for line in lines:
        block.append(line)
        if len(block) == _LINES:
            yield "\n".join(block)
            block = []
    yield "\n".join(block)
