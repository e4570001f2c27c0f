"""A small store with text, two corpora and gaps, and a checkpoint that belongs to it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch

from mtdeep.corpus import Store, StoreWriter, Vocabulary
from mtdeep.corpus.subwords import Subwords, pieces
from mtdeep.nn import Config, EncoderDecoder

LANGUAGES = ("en", "de", "zh-Hans", "ja")
# Two corpora; an empty line is a gap. The second has no Chinese, and nothing has Japanese.
TEXTS = {
    "captions": {
        "en": [
            "Two young men are outside near many bushes.",
            "Several men in hard hats operate a giant pulley system.",
            "A little girl climbing into a wooden playhouse.",
            "A man in a blue shirt is standing on a ladder.",
        ],
        "de": [
            "Zwei junge Männer sind im Freien in der Nähe vieler Büsche.",
            "",
            "Ein kleines Mädchen klettert in ein Spielhaus aus Holz.",
            "Ein Mann in einem blauen Hemd steht auf einer Leiter.",
        ],
        "zh-Hans": ["两个年轻人在外面。", "几个戴安全帽的人。", "一个小女孩爬进木制游戏屋。", ""],
    },
    "phrases": {
        "en": ["3 May 2021", "two hours ago"],
        "de": ["3. Mai 2021", "vor zwei Stunden"],
    },
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    lines = [line for corpus in TEXTS.values() for column in corpus.values() for line in column if line]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=120, minloglevel=2, character_coverage=1.0
    )
    vocabulary = Vocabulary(pieces(model.getvalue()), LANGUAGES)
    subwords = Subwords(model.getvalue(), vocabulary)
    path = tmp_path_factory.mktemp("data") / "store"
    with StoreWriter(path, vocabulary, model.getvalue()) as writer:
        for name, columns in TEXTS.items():
            ids = {code: [np.asarray(s) for s in subwords.encode(column)] for code, column in columns.items()}
            writer.add_corpus(name, "test", ids, text=columns, provenance={})
            writer.add_corpus(name, "train", ids, provenance={})
        writer.finish({})
    return Store(path)


@pytest.fixture(scope="session")
def model(store: Store) -> EncoderDecoder:
    torch.manual_seed(1)
    size = len(store.vocabulary)
    model = EncoderDecoder(
        Config(
            scheme="deepnorm",
            source_vocabulary_size=size,
            target_vocabulary_size=size,
            encoder_layers=2,
            decoder_layers=2,
            embed_dim=16,
            encoder_ffn_dim=32,
            decoder_ffn_dim=32,
            encoder_heads=2,
            decoder_heads=2,
        )
    ).eval()
    with torch.no_grad():
        model.decoder.output_projection.weight.mul_(4.0)
    return model


@pytest.fixture(scope="session")
def checkpoint(model: EncoderDecoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "checkpoint.pt"
    state = {
        "cfg": {
            "model": {"arch": "deepnet_mt", "mtdeep_config": model.config.to_dict()},
            "task": {"_name": "many_to_many_translation", "encoder_tag": "src"},
        },
        "model": model.state_dict(),
        "optimizer_history": [{"num_updates": 7}],
    }
    torch.save(state, path)
    return path
