"""Chunks: what is written is read, whatever Unicode it is, and damage is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.chunk import TextChunk, TokenChunk
from mtdeep.corpus.blocks import blocks_of
from mtdeep.errors import UserError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=9))
def test_round_trip(rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("chunk") / "a"
    left, right = (list(column) for column in zip(*rows, strict=True))
    arrays = {"row": np.arange(len(rows)) + 2**40, "present": np.ones((len(rows), 2), dtype=bool)}
    TextChunk({"en": left, "zh-Hans": right}, arrays).write(path)
    found = TextChunk.read(path)
    assert found.columns == {"en": left, "zh-Hans": right}
    assert all(np.array_equal(found.arrays[name], array) for name, array in arrays.items())
    assert TextChunk.read(path, ["zh-Hans"]).columns == {"zh-Hans": right}


def test_tokens_round_trip(tmp_path: Path) -> None:
    rows = [[5, 6], [], [70_000]]
    (block,) = blocks_of(np.array(row, dtype=np.uint32) for row in rows)
    TokenChunk({"en": block, "de": block}).write(tmp_path / "a")
    found = TokenChunk.read(tmp_path / "a").columns
    assert list(found) == ["en", "de"] and found["de"].units.dtype == np.uint32
    assert [row.tolist() for row in found["de"].sentences()] == rows


def test_equal_chunks_have_equal_bytes(tmp_path: Path) -> None:
    for name in "ab":
        TextChunk({"en": ["x", ""]}, {"row": np.arange(2)}).write(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("cut", [0, 4, 20, -1])
def test_a_truncated_chunk_is_told(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a"
    TextChunk({"en": ["one", "two"]}).write(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UserError, match="damaged"):
        TextChunk.read(path)


def test_a_flipped_bit_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    TextChunk({"en": ["one", "two"]}).write(path)
    content = bytearray(path.read_bytes())
    content[-12] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        TextChunk.read(path)


def test_a_missing_chunk_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        TextChunk.read(tmp_path / "nothing")
