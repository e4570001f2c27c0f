"""A store of one n-way corpus of made-up sentences, a fifth of them gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from mtdeep.corpus import Block, Store, StoreWriter, Vocabulary

LANGUAGES = [f"q{a}{b}" for a in "abcdefgh" for b in "abcdefghijklmnopqrstuvwxyz"][:202]
PIECES, GAPS = 8000, 0.2


def write_store(path: Path, languages: Sequence[str], rows: int) -> Store:
    """Write sentences of 5 to 40 pieces, and open them."""
    random = np.random.default_rng(1)

    def column() -> Iterator[Block]:
        lengths = np.where(random.random(rows) < GAPS, 0, random.integers(5, 40, rows))
        yield Block(random.integers(4, PIECES, lengths.sum()), lengths)

    with StoreWriter(path, Vocabulary(tuple(f"p{i}" for i in range(PIECES)), tuple(languages)), b"") as writer:
        writer.add_corpus("made up", "train", {language: column() for language in languages}, provenance={})
        writer.finish({})
    return Store(path)


def one_way(languages: Sequence[str]) -> list[str]:
    """Return one of the two directions of every pair, as most users of fairseq have them: its files serve both."""
    return [f"{a}-{b}" for a, b in combinations(languages, 2)]
