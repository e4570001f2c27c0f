"""Drawn matrices against what defines their distributions."""

from __future__ import annotations

import pytest
import torch

from mtdeep.nn.matrices import SCALED_ORTHOGONAL


@pytest.mark.parametrize("rows, columns, square", [(12, 12, 1.0), (48, 12, 4.0)])
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_a_scaled_orthogonal_matrix_keeps_the_mean_square(rows: int, columns: int, square: float, gain: float) -> None:
    """W^T W = gain^2 max(1, out / in) I: exact, whatever was drawn."""
    matrix = torch.empty(rows, columns, dtype=torch.float64)
    SCALED_ORTHOGONAL.fill(matrix, gain)
    expected = gain**2 * square * torch.eye(columns, dtype=torch.float64)
    torch.testing.assert_close(matrix.T @ matrix, expected)


def test_a_scaled_orthogonal_matrix_that_narrows_has_orthonormal_rows() -> None:
    matrix = torch.empty(12, 48, dtype=torch.float64)
    SCALED_ORTHOGONAL.fill(matrix, 1.0)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(12, dtype=torch.float64))


def test_gain_0_is_a_zero_matrix() -> None:
    matrix = torch.ones(3, 3)
    SCALED_ORTHOGONAL.fill(matrix, 0.0)
    assert not matrix.any()
