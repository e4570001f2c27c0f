"""`mtdeep store info`: numbers of a store whose sentences are known, and a store of very many corpora."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mtdeep.corpus import Store, StoreWriter, Vocabulary, blocks_of


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Fifty bilingual corpora without a model."""
    with StoreWriter(tmp_path / "s", Vocabulary(("a",), ("en", "de")), None) as writer:
        for number in range(50):
            columns = {code: blocks_of([np.array([4])]) for code in ("en", "de")}
            writer.add_corpus(f"c{number}", "train", columns, provenance={})
        writer.finish({"made": {"by": "hand"}, "inputs": {"a": {"bytes": 1}, "b": {"bytes": 2}}, "by": ["x", "y"]})
    return tmp_path / "s"


def test_tables(store: Path, run) -> None:
    """Rows of the four languages of `store`, one gap in French."""
    output = run("info", store).stdout
    lines = [line.replace("│", " ").replace("┃", " ").split() for line in output.splitlines()]
    tokens = sum(Store(store).corpora("test")[0].tokens(code) for code in ("en", "de", "zh-Hans", "fr"))
    assert ["test", "1", "4", "4", "15", str(tokens), "12", "21"] in lines  # 6 pairs of languages, 3 x 4 + 3 x 3
    assert ["few", "test", "4", "4", "15", str(tokens), "12", "all"] in lines
    assert "with its SentencePiece model" in output and Store(store).digest in output
    assert any(line[:2] == ["fr", "French"] and line[2] == "3" for line in lines), output


def test_json(store: Path, run) -> None:
    """The same numbers for programs, and each corpus's provenance in full."""
    found = json.loads(run("info", store, "--json").stdout)
    assert found["digest"] == Store(store).digest
    assert [split["name"] for split in found["splits"]] == ["test", "valid"]
    assert (found["splits"][0]["directions"], found["splits"][0]["pairs"]) == (12, 21)
    assert found["corpora"][0]["languages"] == ["en", "de", "zh-Hans", "fr"]
    assert found["languages"] == ["en", "de", "zh-Hans", "fr", "ja"]
    files = [path for path in store.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert found["bytes"] == sum(path.stat().st_size for path in files)
    assert found["symbols"] == len(Store(store).vocabulary)


def test_many_corpora_are_cut_short_and_provenance_too(many: Path, run) -> None:
    output = run("info", many).stdout
    assert "c39" in output and "c40" not in output and "and 10 corpora more" in output
    assert "without a SentencePiece model" in output
    flat = " ".join(output.replace("│", " ").split())
    assert "made by hand" in flat and "inputs 2 entries" in flat and "by 2 entries" in flat
    assert len(json.loads(run("info", many, "--json").stdout)["corpora"]) == 50
