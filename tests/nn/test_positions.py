from __future__ import annotations

import math

import pytest
import torch

from mtdeep.nn.positions import LearnedPositions, NoPositions, SinusoidalPositions, position_rows

PAD = 1


def fairseq_value(position: int, dimension: int, width: int) -> float:
    """One entry of fairseq's SinusoidalPositionalEmbedding, worked out on its own in double precision."""
    half = width // 2
    if position == PAD or dimension >= 2 * half:
        return 0.0
    angle = position / 10000 ** ((dimension % half) / (half - 1))
    return math.sin(angle) if dimension < half else math.cos(angle)


@pytest.mark.parametrize("width", [8, 11])
def test_sinusoids_with_padding_left_and_right(width: int) -> None:
    tokens = torch.tensor([[5, 6, 7, PAD, PAD], [PAD, PAD, 5, 6, 7], [PAD, 5, PAD, 6, 7]])
    rows = [[2, 3, 4, 1, 1], [1, 1, 2, 3, 4], [1, 2, 1, 3, 4]]
    assert position_rows(tokens.eq(PAD), PAD).tolist() == rows
    expected = torch.tensor([[[fairseq_value(p, i, width) for i in range(width)] for p in row] for row in rows])
    x = torch.randn(3, 5, width)
    found = SinusoidalPositions(width, PAD)(x, tokens.eq(PAD)) - x
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_table_grows_and_stays_out_of_the_state_dict() -> None:
    positions = SinusoidalPositions(8, PAD)
    first = positions(torch.zeros(1, 4, 8))
    late = positions(torch.zeros(1, 1, 8), start=3000)
    assert late[0, 0, 1].item() == pytest.approx(fairseq_value(3002, 1, 8), abs=1e-4)  # float32 angles of 3002 rad
    assert torch.equal(positions(torch.zeros(1, 4, 8)), first)
    assert not positions.state_dict()
    assert positions(torch.zeros(1, 4, 8, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_a_call_in_a_coarser_type_leaves_the_table_alone() -> None:
    x = torch.zeros(1, 6, 8)
    expected = SinusoidalPositions(8, PAD)(x)
    positions = SinusoidalPositions(8, PAD)
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        assert torch.equal(positions(x.to(dtype)), expected.to(dtype))
    assert torch.equal(positions(x), expected)
    positions(torch.zeros(1, 3000, 8, dtype=torch.bfloat16))  # grows
    assert torch.equal(positions(x), expected)


def test_start_continues() -> None:
    for positions in (SinusoidalPositions(8, PAD), LearnedPositions(20, 8, PAD)):
        if isinstance(positions, LearnedPositions):
            torch.nn.init.normal_(positions.weight)
        x = torch.randn(2, 7, 8)
        parts = torch.cat([positions(x[:, :3]), positions(x[:, 3:], start=3)], dim=1)
        assert torch.equal(parts, positions(x))
        assert torch.equal(positions(x), positions(x, torch.zeros(2, 7, dtype=torch.bool)))


def test_learned_table_has_fairseqs_shape_and_an_end() -> None:
    positions = LearnedPositions(20, 8, PAD)
    assert positions.weight.shape == (22, 8)
    positions(torch.zeros(1, 20, 8))
    with pytest.raises(ValueError, match="21 positions, but the learned table has 20"):
        positions(torch.zeros(1, 1, 8), start=20)


def test_no_positions() -> None:
    x = torch.randn(2, 3, 4)
    assert NoPositions()(x) is x


@pytest.mark.parametrize("start", [0, 13])
def test_learned_positions_end_with_their_table(start: int) -> None:
    positions = LearnedPositions(20, 4, PAD)
    positions(torch.zeros(1, 20 - start, 4), start=start)
    with pytest.raises(ValueError, match="21 positions, but the learned table has 20"):
        positions(torch.zeros(1, 21 - start, 4), start=start)
