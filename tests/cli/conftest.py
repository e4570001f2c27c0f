"""A store of four languages with raw text, and a checkpoint of a small model that belongs to it."""

from __future__ import annotations

import io
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch

from mtdeep.corpus import StoreWriter, Vocabulary
from mtdeep.corpus.subwords import Subwords, pieces
from mtdeep.nn import Config, EncoderDecoder

TEXTS = {
    "en": ["two young men are outside", "a little girl climbs", "several men in hard hats", "a man on a ladder"],
    "de": ["zwei junge Männer sind draußen", "ein kleines Mädchen klettert", "Männer mit Helmen", "ein Mann"],
    "zh-Hans": ["两个年轻人在外面", "一个小女孩在爬", "几个戴安全帽的人", "梯子上的人"],
    "fr": ["deux jeunes hommes", "une petite fille", "des hommes avec des casques", ""],
}
COPIES = 30  # so that a run can be killed in its middle


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "store"
    model = io.BytesIO()
    lines = [line for column in TEXTS.values() for line in column if line]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=90, minloglevel=2, character_coverage=1.0
    )
    vocabulary = Vocabulary(pieces(model.getvalue()), (*TEXTS, "ja"))
    subwords = Subwords(model.getvalue(), vocabulary)
    with StoreWriter(path, vocabulary, model.getvalue()) as writer:
        ids = {code: [np.asarray(s) for s in subwords.encode(column)] for code, column in TEXTS.items()}
        writer.add_corpus("few", "test", ids, text=TEXTS, provenance={})
        many = {code: column * COPIES for code, column in ids.items()}
        texts = {code: column * COPIES for code, column in TEXTS.items()}
        writer.add_corpus("many", "valid", many, text=texts, provenance={})
        writer.finish({})
    return path


@pytest.fixture(scope="session")
def checkpoint(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    size = len(Vocabulary.load(store / "dict.txt"))
    config = Config(
        scheme="deepnorm",
        source_vocabulary_size=size,
        target_vocabulary_size=size,
        encoder_layers=1,
        decoder_layers=1,
        embed_dim=16,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_heads=2,
        decoder_heads=2,
    )
    torch.manual_seed(0)
    arguments = Namespace(arch="deepnet_mt", mtdeep_config=config.to_dict())
    cfg = {"model": arguments, "task": {"_name": "many_to_many_translation", "encoder_tag": "src"}}
    path = tmp_path_factory.mktemp("model") / "checkpoint_best.pt"
    state = {"cfg": cfg, "model": EncoderDecoder(config).state_dict(), "optimizer_history": [{"num_updates": 3}]}
    torch.save(state, path)
    return path
