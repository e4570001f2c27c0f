"""fairseq's own tasks with our architectures, on data exported from a store and on fairseq's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mtdeep.corpus import Direction, Store
from mtdeep.corpus.databin import write_databin

STOCK = (
    "--arch deepnet_mt --encoder-layers 2 --decoder-layers 2 --encoder-embed-dim 32 --encoder-ffn-embed-dim 48 "
    "--encoder-attention-heads 2 --share-decoder-input-output-embed --criterion label_smoothed_cross_entropy "
    "--optimizer adam --lr 2e-3 --max-tokens 400 --max-update 5 --cpu"
).split()


@pytest.fixture(scope="module")
def databin(toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("databin") / "data-bin"
    directions = [Direction("en", "de"), Direction("de", "en"), Direction("en", "fr")]
    write_databin(Store(toy_store), folder, directions, ["train", "valid", "test"])
    return folder


@pytest.fixture
def train_and_generate(tmp_path: Path, run_command, hypotheses) -> Callable[..., Mapping[int, Any]]:
    """Return a function that trains with a task's flags and returns the hypotheses of the test set, by number."""

    def run(data: Path, task: Sequence[str], direction: Sequence[str] = ()) -> Mapping[int, Any]:
        training = run_command("fairseq-train", data, *task, *STOCK, "--save-dir", tmp_path)
        assert training.returncode == 0, training.stderr
        checkpoint = tmp_path / "checkpoint_last.pt"
        generation = run_command(
            "fairseq-generate", data, *task, *direction, "--path", checkpoint, "--cpu", "--max-len-b", 20
        )
        assert generation.returncode == 0, generation.stderr
        return hypotheses(generation.stdout)

    return run


def test_stock_translation_task_trains_and_generates(databin: Path, train_and_generate) -> None:
    task = ("--task", "translation", "-s", "en", "-t", "de")
    assert len(train_and_generate(databin, task)) == 20


@pytest.mark.slow
def test_two_dictionaries_and_fairseqs_own_preprocessing(
    toy_store: Path, tmp_path: Path, run_command, train_and_generate
) -> None:
    """fairseq-preprocess on plain text gives each side its own dictionary, of another size."""
    store = Store(toy_store)
    for split in ("valid", "test"):
        (corpus,) = store.corpora(split)
        for language in ("en", "zh-Hans"):
            text = "".join(f"{' '.join(corpus.text(language, row).split())}\n" for row in range(corpus.rows))
            (tmp_path / f"{split}.{language[:2]}").write_text(text, encoding="utf-8")
    data = tmp_path / "data-bin"
    result = run_command(
        "fairseq-preprocess", "-s", "en", "-t", "zh", "--trainpref", tmp_path / "valid", "--validpref",
        tmp_path / "test", "--testpref", tmp_path / "test", "--destdir", data,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    sizes = {len((data / f"dict.{language}.txt").read_text().splitlines()) for language in ("en", "zh")}
    assert len(sizes) == 2
    task = ("--task", "translation", "-s", "en", "-t", "zh")
    assert len(train_and_generate(data, task)) == 20


@pytest.mark.slow
def test_stock_multilingual_task_trains_and_generates(databin: Path, train_and_generate) -> None:
    task = (
        "--task", "translation_multi_simple_epoch", "--langs", "en,de,fr", "--encoder-langtok", "src",
        "--decoder-langtok", "--lang-pairs", "en-de,de-en,en-fr",
    )  # fmt: skip
    assert len(train_and_generate(databin, task, ("-s", "en", "-t", "fr"))) == 20
