"""A store of four languages with raw text, and a checkpoint of a small model that belongs to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mtdeep.corpus import Vocabulary
from mtdeep.nn import EncoderDecoder

TEXTS = {
    "en": ["two young men are outside", "a little girl climbs", "several men in hard hats", "a man on a ladder"],
    "de": ["zwei junge Männer sind draußen", "ein kleines Mädchen klettert", "Männer mit Helmen", "ein Mann"],
    "zh-Hans": ["两个年轻人在外面", "一个小女孩在爬", "几个戴安全帽的人", "梯子上的人"],
    "fr": ["deux jeunes hommes", "une petite fille", "des hommes avec des casques", ""],
}
COPIES = 30  # so that a run can be killed in its middle


@pytest.fixture(scope="session")
def store(write_store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    many = {code: column * COPIES for code, column in TEXTS.items()}
    corpora = {("few", "test"): TEXTS, ("many", "valid"): many}
    return write_store(tmp_path_factory.mktemp("data") / "store", (*TEXTS, "ja"), corpora, 90).path


@pytest.fixture(scope="session")
def checkpoint(store: Path, tiny_config, save_model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    size = len(Vocabulary.load(store / "dict.txt"))
    model = EncoderDecoder(tiny_config(size, encoder_layers=1, decoder_layers=1))
    return save_model(tmp_path_factory.mktemp("model") / "checkpoint_best.pt", model)
