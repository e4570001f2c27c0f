"""fairseq's own tasks with our architectures, on data exported from a store and on fairseq's own."""

from __future__ import annotations

from pathlib import Path

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


def test_stock_translation_task_trains_and_generates(databin: Path, tmp_path: Path, run_command, hypotheses) -> None:
    pair = ("--task", "translation", "-s", "en", "-t", "de")
    result = run_command("fairseq-train", databin, *pair, *STOCK, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    result = run_command(
        "fairseq-generate", databin, *pair, "--path", tmp_path / "checkpoint_last.pt", "--cpu", "--max-len-b", 20
    )
    assert result.returncode == 0, result.stderr
    assert len(hypotheses(result.stdout)) == 20


@pytest.mark.slow
def test_two_dictionaries_and_fairseqs_own_preprocessing(
    toy_store: Path, tmp_path: Path, run_command, hypotheses
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
    pair = ("--task", "translation", "-s", "en", "-t", "zh")
    result = run_command("fairseq-train", data, *pair, *STOCK, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    result = run_command(
        "fairseq-generate", data, *pair, "--path", tmp_path / "checkpoint_last.pt", "--cpu", "--max-len-b", 20
    )
    assert result.returncode == 0, result.stderr
    assert len(hypotheses(result.stdout)) == 20


@pytest.mark.slow
def test_stock_multilingual_task_trains_and_generates(databin: Path, tmp_path: Path, run_command, hypotheses) -> None:
    task = (
        "--task", "translation_multi_simple_epoch", "--langs", "en,de,fr", "--encoder-langtok", "src",
        "--decoder-langtok", "--lang-pairs", "en-de,de-en,en-fr",
    )  # fmt: skip
    result = run_command("fairseq-train", databin, *task, *STOCK, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    result = run_command(
        "fairseq-generate", databin, *task, "-s", "en", "-t", "fr", "--path", tmp_path / "checkpoint_last.pt",
        "--cpu", "--max-len-b", 20,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert len(hypotheses(result.stdout)) == 20
