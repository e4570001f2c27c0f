"""`mtdeep store info`: numbers of a store whose sentences are known, and a store of very many corpora."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtdeep.cli.store.info import origin_rows
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
    assert ["few", "test", "human", "4", "4", "15", str(tokens), "12", "all"] in lines
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


def test_many_corpora_are_cut_short(many: Path, run) -> None:
    output = run("info", many).stdout
    assert "c39" in output and "c40" not in output and "and 10 more" in output
    assert "without a SentencePiece model" in output
    assert "inputs" not in output and "entries" not in output  # keys of a manifest, of which --json has all
    assert len(json.loads(run("info", many, "--json").stdout)["corpora"]) == 50


def test_the_vocabulary_adds_up_and_corpora_have_their_origin(tmp_path: Path, run) -> None:
    with StoreWriter(tmp_path / "s", Vocabulary(("a",), ("en", "<bt>", "de")), None) as writer:
        columns = {code: [np.array([4])] for code in ("en", "de")}
        for origin in ("back_translated", "mined"):
            blocks = {code: blocks_of(column) for code, column in columns.items()}
            writer.add_corpus(origin[:4], "train", blocks, provenance={"origin": origin})
        writer.finish({})
    output = run("info", tmp_path / "s").stdout
    assert "8 symbols: 4 specials, 1 piece, 2 language tags, <bt>; without" in output and ", 1 shard, " in output
    lines = [line.replace("│", " ").split() for line in output.splitlines()]
    assert ["back", "train", "back_translated", "1", "2", "2", "2", "2", "no"] in lines
    assert ["mine", "train", "mined", "1", "2", "2", "2", "2", "no"] in lines


@pytest.mark.parametrize(
    ("provenance", "rows"),
    [
        (
            {
                "content_digest": "0", "settings": {"a": 1}, "leakage": "remove", "versions": {"babel": "2", "b": "3"},
                "inputs": {"x": {"file": "x", "bytes": 1_000}}, "in_training_text": {},
                "appended": [
                    {"inputs": {"y": {"bytes": 24}}, "in_training_text": {"t": {"en": {"exact": 2, "near": 1}}}},
                ],
            },
            {
                "made from": "2 input files of 1,024 bytes, in 2 steps", "made with": "babel 2, b 3",
                "test sets": "3 sentences of them in training text, removed there",
            },
        ),
        (
            {"inputs": {"x": {"bytes": 1}}, "leakage": "report", "in_training_text": {"t": {"en": {"near": 1}}}},
            {
                "made from": "1 input file of 1 byte",
                "test sets": "1 sentence of them in training text, left there",
            },
        ),
        ({"imported_from": "a data-bin", "left_out": {"a": "b"}}, {"made from": "a data-bin; left out: 1 file"}),
        ({}, {}),
    ],
)  # fmt: skip
def test_how_it_was_made(provenance: dict[str, Any], rows: dict[str, str]) -> None:
    assert dict(origin_rows(provenance)) == rows
