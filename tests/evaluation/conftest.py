"""A small store with text, two corpora and gaps, and a checkpoint that belongs to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mtdeep.corpus import Store
from mtdeep.nn import EncoderDecoder

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


@pytest.fixture(scope="session")
def store(write_store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    corpora = {(name, split): columns for name, columns in TEXTS.items() for split in ("test", "train")}
    return write_store(tmp_path_factory.mktemp("data") / "store", LANGUAGES, corpora, 120)


@pytest.fixture(scope="session")
def model(store: Store, tiny_config) -> EncoderDecoder:
    torch.manual_seed(1)
    model = EncoderDecoder(tiny_config(len(store.vocabulary))).eval()
    with torch.no_grad():
        model.decoder.output_projection.weight.mul_(4.0)
    return model


@pytest.fixture(scope="session")
def checkpoint(model: EncoderDecoder, save_model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "checkpoint.pt", model)
