"""`mtdeep store export-fairseq`, run in process on a small store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtdeep.corpus import StoreWriter, Vocabulary, blocks_of
from mtdeep.corpus.mmididx import MMapColumn
from mtdeep.errors import UserError


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three languages in train, two of them in valid."""
    vocabulary = Vocabulary(tuple(f"p{i}" for i in range(50)), ("en", "de", "zh-Hans"))
    column = [np.array([4, 5]), np.array([6])]
    with StoreWriter(tmp_path / "store", vocabulary, None) as writer:
        for split, languages in (("train", vocabulary.languages), ("valid", ("en", "de"))):
            writer.add_corpus("a", split, {code: blocks_of(column) for code in languages}, provenance={})
        writer.finish({})
    return tmp_path / "store"


def test_chosen_directions(store: Path, tmp_path: Path, run) -> None:
    """The files that fairseq looks for, for both orders of a pair."""
    out = tmp_path / "bin"
    output = run("export-fairseq", store, out, "--directions", "en-zh_Hans,zh-en", "--splits", "train").output
    assert "2 sentence pairs" in output
    assert MMapColumn(out / "train.en-zh_Hans.zh_Hans")[0].tolist() == [4, 5, 2]
    assert sorted(p.name for p in out.glob("dict.*")) == ["dict.en.txt", "dict.zh_Hans.txt"]


def test_all_is_what_every_split_has(store: Path, tmp_path: Path, run) -> None:
    """With valid, only en and de remain."""
    output = run("export-fairseq", store, tmp_path / "bin", "--directions", "all", "--splits", "train,valid").output
    assert "2 directions in 2 splits" in output
    assert sorted(p.name for p in (tmp_path / "bin").glob("*.idx")) == [
        "train.en-de.de.idx",
        "train.en-de.en.idx",
        "valid.en-de.de.idx",
        "valid.en-de.en.idx",
    ]


def test_errors_are_the_users(store: Path, tmp_path: Path, run) -> None:
    """A split that is not there, a language that is none."""
    with pytest.raises(UserError, match="no split 'test'"):
        run("export-fairseq", store, tmp_path / "bin", "--directions", "en-de")
    with pytest.raises(UserError, match="unknown language code 'xx'"):
        run("export-fairseq", store, tmp_path / "bin", "--directions", "en-xx", "--splits", "train")
    assert not (tmp_path / "bin").exists()
