"""`mtdeep grow`, as a user runs it: a store gets a language, a checkpoint grows, and is trained on and evaluated."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
import torch

from mtdeep.checkpoint.read import load_plain
from mtdeep.corpus import Store, StoreAppender, text_blocks

TRAIN = (
    "--task many_to_many_translation --arch deepnet_mt --encoder-layers 1 --decoder-layers 1 --encoder-embed-dim 32 "
    "--encoder-ffn-embed-dim 32 --encoder-attention-heads 2 --share-all-embeddings --optimizer torch_adam --lr 5e-3 "
    "--criterion label_smoothed_linear_cross_entropy --label-smoothing 0.1 --max-tokens 400 --updates-per-epoch 20 "
    "--cpu"
).split()
WORDS = {"en": "one two three four five".split(), "de": "eins zwei drei vier fünf".split()}
NEW = "een twee drie vier vijf".split()


def sentences(words: list[str], rows: int) -> list[str]:
    return [" ".join(words[(row + place * row) % 5] for place in range(2 + row % 5)) for row in range(rows)]


@pytest.fixture(scope="module")
def store(write_store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grow") / "store"
    corpora = {
        ("talks", split): {code: sentences(words, rows) for code, words in WORDS.items()}
        for split, rows in (("train", 60), ("valid", 10), ("test", 10))
    }
    return write_store(path, list(WORDS), corpora, 28).path


@pytest.fixture(scope="module")
def grown(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with Dutch."""
    path = tmp_path_factory.mktemp("grown") / "store"
    shutil.copytree(store, path)
    with StoreAppender(path, ["nl"]) as appender:
        subwords = Store(path).subwords()
        for split, rows in (("train", 60), ("valid", 10), ("test", 10)):
            columns = {"en": sentences(WORDS["en"], rows), "nl": sentences(NEW, rows)}
            ids = {code: [subwords.encode_block(column)] for code, column in columns.items()}
            text = None if split == "train" else {code: text_blocks(column) for code, column in columns.items()}
            appender.add_corpus("letters", split, ids, text=text, provenance={})
        appender.finish({})
    return path


@pytest.fixture(scope="module")
def trained(store: Path, run_command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    done = run_command("fairseq-train", store, *TRAIN, "--max-update", 300, "--save-dir", folder)
    assert done.returncode == 0, done.stderr
    return folder / "checkpoint_last.pt"


def scores(run_command, checkpoint: Path, store: Path, output: Path, directions: str) -> dict[str, str]:
    done = run_command(
        *("mtdeep", "evaluate", store, "--checkpoint", checkpoint, "--output", output, "--directions", directions)
    )
    assert done.returncode == 0, done.stderr
    with (output / "scores.tsv").open() as file:
        rows = list(csv.reader(file, delimiter="\t"))
    return {"\t".join(row[:2]): "\t".join(row[2:]) for row in rows}


@pytest.mark.slow
def test_from_a_grown_store_to_scores(store: Path, grown: Path, trained: Path, run_command, tmp_path: Path) -> None:
    output = tmp_path / "grown.pt"
    done = run_command("mtdeep", "grow", trained, "--store", grown, "--like", "nl=de", "--output", output)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(output)]
    assert "nl: begins as de" in done.stderr
    # Old directions translate as before, the new one as German did.
    old = scores(run_command, trained, store, tmp_path / "old", "en-de,de-en")
    assert scores(run_command, output, grown, tmp_path / "same", "en-de,de-en") == old
    assert len(scores(run_command, output, grown, tmp_path / "new", "en-nl,nl-en")) == 3
    # With the optimizer that there was, and with a fresh one.
    on = ("fairseq-train", grown, *TRAIN, "--max-update")
    kept = run_command(*on, 302, "--restore-file", output, "--reset-dataloader", "--save-dir", tmp_path / "kept")
    assert kept.returncode == 0, kept.stderr
    state = load_plain(tmp_path / "kept" / "checkpoint_last.pt")
    assert state["optimizer_history"][-1]["num_updates"] == 302
    fresh = run_command(*on, 40, "--finetune-from-model", output, "--save-dir", tmp_path / "fresh")
    assert fresh.returncode == 0, fresh.stderr
    last = tmp_path / "fresh" / "checkpoint_last.pt"
    assert load_plain(last)["optimizer_history"][-1]["num_updates"] == 40
    rows = [load_plain(path)["model"]["encoder.embed_tokens.weight"][-1] for path in (output, last)]
    assert not torch.equal(*rows), "it is learnt"


@pytest.mark.slow
def test_in_half_precision_too(store: Path, grown: Path, run_command, tmp_path: Path) -> None:
    """Whose moments are in one piece."""
    on = ("fairseq-train", grown, *TRAIN, "--bf16", "--max-update")
    done = run_command("fairseq-train", store, *TRAIN, "--bf16", "--max-update", 3, "--save-dir", tmp_path / "half")
    assert done.returncode == 0, done.stderr
    half, output = tmp_path / "half" / "checkpoint_last.pt", tmp_path / "grown.pt"
    assert run_command("mtdeep", "grow", half, "--store", grown, "--output", output).returncode == 0
    done = run_command(*on, 5, "--restore-file", output, "--reset-dataloader", "--save-dir", tmp_path / "on")
    assert done.returncode == 0, done.stderr
    assert load_plain(tmp_path / "on" / "checkpoint_last.pt")["optimizer_history"][-1]["num_updates"] == 5


@pytest.mark.slow
def test_bad_input_is_one_sentence(store: Path, grown: Path, trained: Path, run_command, tmp_path: Path) -> None:
    output = tmp_path / "grown.pt"
    for arguments, sentence in [
        ((trained, "--store", store, "--output", output), "it has all languages of the store; there is nothing to add"),
        ((trained, "--store", grown, "--output", tmp_path), "a folder; give a file"),
        ((trained, "--store", grown, "--output", output, "--like", "nl"), "--like 'nl' is not of the form NEW=OLD"),
        ((trained, "--store", grown, "--output", output, "--like", "en=de"), "en is not new; new are nl"),
        ((tmp_path / "none.pt", "--store", grown, "--output", output), "cannot be read"),
    ]:
        done = run_command("mtdeep", "grow", *arguments)
        assert done.returncode == 2, done.stderr
        assert sentence in done.stderr.splitlines()[-1]
        assert len(done.stderr.splitlines()) == 1 and not output.exists()
