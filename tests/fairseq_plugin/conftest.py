"""A store of small made-up sentences in four languages, big enough to be learnt from, and a training on it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fairseq.data import Dictionary

LANGUAGES = ("en", "de", "fr", "zh-Hans")
# Word n of every language means the same; the fourth writes without spaces.
WORDS = {
    "en": "one two three four five six seven eight nine ten".split(),
    "de": "eins zwei drei vier fünf sechs sieben acht neun zehn".split(),
    "fr": "un deux trois quatre cinq six sept huit neuf dix".split(),
    "zh-Hans": list("一二三四五六七八九十"),
}
ROWS = {"train": 400, "valid": 20, "test": 20}


def sentences(language: str, numbers: list[list[int]]) -> list[str]:
    joint = "" if language == "zh-Hans" else " "
    return [joint.join(WORDS[language][n] for n in row) for row in numbers]


@pytest.fixture(scope="session")
def toy_store(write_store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of three to nine number words in LANGUAGES, n-way; splits train, valid, test."""
    path = tmp_path_factory.mktemp("toy") / "store"
    random.seed(7)
    rows = {
        split: [[random.randrange(10) for _ in range(random.randint(3, 9))] for _ in range(n)]
        for split, n in ROWS.items()
    }
    corpora = {
        ("toy", split): {code: sentences(code, numbers) for code in LANGUAGES} for split, numbers in rows.items()
    }
    return write_store(path, LANGUAGES, corpora, 90).path


@pytest.fixture
def dictionary() -> Dictionary:
    """Thirty words, beside fairseq's special symbols."""
    dictionary = Dictionary()
    for i in range(30):
        dictionary.add_symbol(f"w{i}")
    return dictionary


@pytest.fixture(scope="session")
def tiny() -> list[str]:
    """Flags of a tiny model and its training on the toy store."""
    return (
        "--task many_to_many_translation --arch deepnet_mt --encoder-layers 2 --decoder-layers 3 "
        "--encoder-embed-dim 32 --encoder-ffn-embed-dim 48 --encoder-attention-heads 2 --share-all-embeddings "
        "--criterion label_smoothed_linear_cross_entropy --label-smoothing 0.1 --optimizer torch_adam --lr 5e-3 "
        "--lr-scheduler inverse_sqrt --warmup-updates 20 --max-tokens 400 --batch-pool 500 --num-workers 0 "
        "--log-format simple --log-interval 10 --cpu"
    ).split()


@pytest.fixture(scope="session")
def long_run(tiny: list[str]) -> list[str]:
    """Flags of the training that `checkpoints` has come from."""
    return [*tiny, "--max-update", "120", "--updates-per-epoch", "25"]


@pytest.fixture(scope="session")
def checkpoints(toy_store: Path, long_run: list[str], tmp_path_factory: pytest.TempPathFactory, run_command) -> Path:
    """A run of 120 updates in epochs of 25, kept at every 30."""
    folder = tmp_path_factory.mktemp("run")
    result = run_command(
        "fairseq-train", toy_store, *long_run, "--save-interval-updates", 30, "--save-dir", folder
    )
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="session")
def hypotheses() -> Callable[[str], dict[int, tuple[str, list[float]]]]:
    """Read fairseq-generate's lines: {sample id: (pieces, log2 probabilities of the tokens)}."""

    def read(output: str) -> dict[int, tuple[str, list[float]]]:
        pieces = {int(i): text for i, text in re.findall(r"^H-(\d+)\t[^\t]*\t(.*)$", output, re.M)}
        scores = {int(i): text for i, text in re.findall(r"^P-(\d+)\t(.*)$", output, re.M)}
        return {i: (pieces[i], [float(x) for x in scores[i].split()]) for i in pieces}

    return read
