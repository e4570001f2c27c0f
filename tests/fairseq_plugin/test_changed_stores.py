"""Training on a store that came from a data-bin, and what a checkpoint is worth once its store has grown."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from mtdeep.corpus import Direction, Store, StoreAppender, blocks_of
from mtdeep.corpus.databin import write_databin
from mtdeep.corpus.databin_import import import_databin

pytestmark = pytest.mark.slow

TASK = ("--task", "many_to_many_translation", "-s", "en", "-t", "de", "--cpu", "--max-len-b", 10, "--beam", 1)


@pytest.fixture(scope="module")
def imported(toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy store by way of a data-bin, which has no SentencePiece model."""
    folder = tmp_path_factory.mktemp("imported")
    write_databin(Store(toy_store), folder / "bin", [Direction("en", "de")], ["train", "valid", "test"])
    import_databin(folder / "bin", folder / "store")
    return folder / "store"


@pytest.fixture(scope="module")
def trained(imported: Path, tiny: list[str], run_command) -> Path:
    folder = imported.with_name("run")
    result = run_command("fairseq-train", imported, *tiny, "--max-update", 2, "--save-dir", folder)
    assert result.returncode == 0, result.stderr
    return folder / "checkpoint_last.pt"


def grown(store: Path, place: Path, *languages: str) -> Path:
    """A copy with more sentences, in English and in the *languages*."""
    shutil.copytree(store, place)
    with StoreAppender(place, languages) as appender:
        columns = {code: blocks_of([np.array([5, 6])] * 3) for code in ("en", "de", *languages)}
        appender.add_corpus("more", "train", columns, provenance={})
        appender.finish({})
    return place


def test_without_a_model_pieces_are_printed(imported: Path, trained: Path, run_command, hypotheses) -> None:
    result = run_command("fairseq-generate", imported, *TASK, "--path", trained)
    assert result.returncode == 0, result.stderr
    assert len(hypotheses(result.stdout)) == 20
    symbols = set(Store(imported).vocabulary.symbols())
    (first, *_) = [line.split("\t")[1] for line in result.stdout.splitlines() if line.startswith("T-")]
    assert set(first.split()) <= symbols
    joined = run_command("fairseq-generate", imported, *TASK, "--path", trained, "--remove-bpe", "sentencepiece")
    assert joined.returncode == 0, joined.stderr
    assert f"\t{first.replace(' ', '').replace('▁', ' ').strip()}\n" in joined.stdout


def test_new_corpora_leave_a_checkpoint_its_worth(
    imported: Path, trained: Path, tmp_path: Path, tiny: list[str], run_command
) -> None:
    """It generates; a training that goes on wants the data started anew, and then goes on."""
    store = grown(imported, tmp_path / "store")
    result = run_command("fairseq-generate", store, *TASK, "--path", trained)
    assert result.returncode == 0, result.stderr
    shutil.copytree(trained.parent, tmp_path / "run")
    again = ("fairseq-train", store, *tiny, "--max-update", 3, "--save-dir", tmp_path / "run")
    result = run_command(*again)
    assert result.returncode == 2
    assert "start the data anew with --reset-dataloader" in result.stderr.splitlines()[-1]
    result = run_command(*again, "--reset-dataloader")
    assert result.returncode == 0, result.stderr
    assert "@ 3 updates" in result.stdout + result.stderr


def test_new_languages_refuse_a_checkpoint(
    imported: Path, trained: Path, tmp_path: Path, tiny: list[str], run_command
) -> None:
    store = grown(imported, tmp_path / "store", "it")
    shutil.copytree(trained.parent, tmp_path / "run")
    again = ("fairseq-train", store, *tiny, "--max-update", 3, "--save-dir", tmp_path / "run")
    for command in (("fairseq-generate", store, *TASK, "--path", trained), again):
        result = run_command(*command)
        assert result.returncode == 2, result.stderr
        last = result.stderr.splitlines()[-1]
        assert "the store's dictionary is not the one that this checkpoint was trained with" in last
