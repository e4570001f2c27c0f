"""Small stores made of given sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from mtdeep.corpus import Store, StoreWriter, Vocabulary, blocks_of
from mtdeep.corpus.subwords import pieces

LANGUAGES = ("en", "de", "zh-Hans", "sr-Latn")
LINES = (
    "Two young men are outside near many bushes.",
    "Zwei junge Männer sind im Freien in der Nähe vieler Büsche.",
    "Several men in hard hats operate a giant pulley system.",
    "Mehrere Männer mit Schutzhelmen bedienen ein Antriebsradsystem.",
    "A little girl climbing into a wooden playhouse.",
    "Ein kleines Mädchen klettert in ein Spielhaus aus Holz.",
    "一个小女孩爬进木制游戏屋。",
    "Dva mlada čoveka su napolju.",
)

Sentences = Mapping[str, Sequence[Sequence[int]]]
MakeStore = Callable[..., Store]


@pytest.fixture(scope="session")
def spm_model(train_subwords) -> bytes:
    """A SentencePiece model over a few lines."""
    return train_subwords(LINES, LANGUAGES, 100)[1]


@pytest.fixture(scope="session")
def vocabulary(spm_model: bytes) -> Vocabulary:
    """The model's pieces and four languages."""
    return Vocabulary(pieces(spm_model), LANGUAGES)


@pytest.fixture
def make_store(tmp_path: Path, vocabulary: Vocabulary, spm_model: bytes) -> MakeStore:
    """Write a store of {(split, corpus): {language: sentences}} and open it; corpora may have origins, and tags."""

    def make(
        corpora: Mapping[tuple[str, str], Sentences],
        name: str = "store",
        shard_bytes: int = 4 << 30,
        origins: Mapping[str, str] = MappingProxyType({}),
        tags: Sequence[str] = LANGUAGES,
    ) -> Store:
        tagged = Vocabulary(vocabulary.pieces, tuple(tags))
        with StoreWriter(tmp_path / name, tagged, spm_model, shard_bytes=shard_bytes) as writer:
            for (split, corpus), columns in corpora.items():
                arrays = {code: blocks_of(np.array(s, dtype=np.int64) for s in col) for code, col in columns.items()}
                provenance = {"origin": origins[corpus]} if corpus in origins else {}
                writer.add_corpus(corpus, split, arrays, provenance=provenance)
            writer.finish({})
        return Store(tmp_path / name)

    return make


@pytest.fixture
def small_store(make_store: MakeStore) -> Store:
    """An n-way corpus with gaps and a bilingual one, in train; an n-way one in valid."""
    rng = np.random.default_rng(5)

    def column(rows: int, gaps: float) -> list[list[int]]:
        lengths = np.where(rng.random(rows) < gaps, 0, rng.integers(1, 30, rows))
        return [rng.integers(4, 100, n).tolist() for n in lengths]

    return make_store(
        {
            ("train", "nway"): {code: column(200, 0.2) for code in LANGUAGES},
            ("train", "pairs"): {"de": column(70, 0.0), "en": column(70, 0.0)},
            ("valid", "nway"): {code: column(20, 0.0) for code in LANGUAGES},
        }
    )
