"""Blocks against the sentences that they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtdeep.corpus.blocks import Block, blocks_of, text_blocks


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=9))
def test_sentences_come_back(sentences: list[list[int]]) -> None:
    blocks = list(blocks_of(np.array(sentence, dtype=np.int64) for sentence in sentences))
    assert [row.tolist() for block in blocks for row in block.sentences()] == sentences


def test_text_is_utf8_by_bytes() -> None:
    (block,) = text_blocks(["aé", "", "两"])
    assert block.lengths.tolist() == [3, 0, 3]
    assert [row.tobytes().decode() for row in block.sentences()] == ["aé", "", "两"]


def test_lengths_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="3 units for lengths that sum to 2"):
        Block(np.zeros(3, dtype=np.int32), np.array([2]))
