"""Encoded chunks against the subword model itself."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from data_prep.chunk import TextChunk, TokenChunk, write_arrays
from data_prep.stages.encode import KEPT, LENGTHS, TEXT, TOKENS, encode

ENGLISH = ["one two", "three", "", "two three one"]
GERMAN = ["eins zwei", "", "drei", "zwei drei eins"]


@pytest.fixture
def work(tmp_path: Path, train_subwords) -> tuple[Path, dict[str, Path], object]:
    """A chunk of four rows, of which the last was rejected in German, and the model."""
    subwords, model = train_subwords([*ENGLISH, *GERMAN] * 5, ("en", "de"), 21)
    (tmp_path / "model").write_bytes(model)
    (tmp_path / "dict.txt").write_bytes(subwords.vocabulary.dump())
    TextChunk({"en": ENGLISH, "de": GERMAN}).write(tmp_path / "chunk")
    kept = np.array([[1, 1], [0, 0], [0, 1], [1, 0]], dtype=bool)
    write_arrays(tmp_path / "kept", {KEPT: kept})
    files = {"chunk": tmp_path / "chunk", "kept": tmp_path / "kept", "model": tmp_path / "model"}
    return tmp_path, {**files, "dictionary": tmp_path / "dict.txt"}, subwords


def test_kept_cells_are_encoded_and_rows_without_any_left_out(work) -> None:
    folder, files, subwords = work
    record = encode(folder, languages=("en", "de"), written=("en", "de"), keep_text=False, **files)
    found = TokenChunk.read(folder / TOKENS).columns
    for language, lines in (("en", [ENGLISH[0], "", ENGLISH[3]]), ("de", [GERMAN[0], GERMAN[2], ""])):
        expected = subwords.encode(lines)
        assert [ids.tolist() for ids in found[language].sentences()] == [ids.tolist() for ids in expected]
        assert found[language].units.dtype == subwords.vocabulary.token_dtype
        sizes = record["languages"][language]
        assert sizes["tokens"] == sum(map(len, expected)) and sizes["characters"] == sum(map(len, lines))
        assert (sizes["sentences"], sizes["unknown"]) == (2, 0)
        edges = [1, *LENGTHS, math.inf]
        bins = [sum(low <= len(ids) < high for ids in expected) for low, high in pairwise(edges)]
        assert sizes["lengths"] == bins and sum(bins) == 2
    assert record["rows"] == 3
    assert not (folder / TEXT).exists()


def test_text_stays_beside_the_ids_where_it_is_scored(work) -> None:
    folder, files, _ = work
    encode(folder, languages=("en", "de"), written=("en", "de"), keep_text=True, **files)
    text = TokenChunk.read(folder / TEXT).columns["de"]
    assert [utf8.tobytes().decode() for utf8 in text.sentences()] == [GERMAN[0], GERMAN[2], ""]


def test_unknown_tokens_are_counted(work) -> None:
    folder, files, _ = work
    TextChunk({"en": ["one \u4e24", "", "", ""], "de": ["zwei", "", "drei", ""]}).write(files["chunk"])
    write_arrays(files["kept"], {KEPT: np.array([[1, 1], [0, 0], [0, 1], [0, 0]], dtype=bool)})
    record = encode(folder, languages=("en", "de"), written=("en", "de"), keep_text=False, **files)["languages"]
    assert (record["en"]["unknown"], record["de"]["unknown"]) == (1, 0)
