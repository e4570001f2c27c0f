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


@pytest.mark.parametrize("directions", ["all", "centric:en", "group:script,centric:en"])
def test_a_set_is_left_out_where_a_split_lacks_it(store: Path, tmp_path: Path, run, directions: str) -> None:
    """All splits of the store, `test` not being one; valid has en and de alone."""
    output = run("export-fairseq", store, tmp_path / "bin", "--directions", directions).output
    pairs = {"train.en-de", "train.en-zh_Hans", "valid.en-de", *(["train.de-zh_Hans"] if directions == "all" else [])}
    assert {path.name.rpartition(".")[0] for path in (tmp_path / "bin").glob("*.idx")} == {
        f"{pair}.{code}" for pair in pairs for code in pair.split(".")[1].split("-")
    }
    left_out = "4 of 6" if directions == "all" else "2 of 4"
    assert f"valid: {left_out} directions have no sentences and are left out: en-zh_Hans, " in output
    assert f"{2 * len(pairs) - 2} directions in splits train, valid, {2 * len(pairs)} sentence pairs" in output


def test_a_named_direction_must_be_there(store: Path, tmp_path: Path, run) -> None:
    """In the splits that are named; where none is, in one of them."""
    out, listed = tmp_path / "bin", tmp_path / "listed"
    listed.write_text("en-zh_Hans\n")
    for directions in ("en-zh_Hans", "all,zh_Hans-en", listed):
        with pytest.raises(UserError, match="split 'valid' has no sentence for"):
            run("export-fairseq", store, out, "--directions", directions, "--splits", "train,valid")
    assert not out.exists()
    assert "valid: 1 of 1 directions" in run("export-fairseq", store, out, "--directions", listed).output
    with pytest.raises(UserError, match="no sentence in any"):
        run("export-fairseq", store, out, "--directions", "centric:zh-Hans", "--splits", "valid")


def test_help_names_every_form_of_directions(run) -> None:
    output = run("export-fairseq", "--help").output
    assert all(form in output for form in ("all,", "centric:", "group:", "bridge:", "en-de"))


def test_errors_are_the_users(store: Path, tmp_path: Path, run) -> None:
    """A split that is not there, a language that is none."""
    with pytest.raises(UserError, match="no split 'test'"):
        run("export-fairseq", store, tmp_path / "bin", "--directions", "en-de", "--splits", "train,test")
    with pytest.raises(UserError, match="unknown language code 'xx'"):
        run("export-fairseq", store, tmp_path / "bin", "--directions", "en-xx", "--splits", "train")
    assert not (tmp_path / "bin").exists()
