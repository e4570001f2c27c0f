"""Heat maps for few and for many languages: there, not blank, readable, and every number in its place."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.image import imread

from data_prep.report.pictures import _font, bin_names, draw_lengths, draw_pairs, pair_colours, pair_range
from data_prep.stages.encode import LENGTHS

SPREAD = (1, 40, 3_000, 0, 9_000_000)


def pairs_of(languages: int) -> tuple[list[str], np.ndarray]:
    """Counts over seven orders of magnitude, a fifth of them gaps; every fifth code is a long one."""
    codes = [f"x{i:02d}-Hans" if i % 5 == 0 else f"x{i:02d}" for i in range(languages)]
    place = np.arange(languages)
    matrix = np.array(SPREAD)[(place[:, None] + place) % 5]
    np.fill_diagonal(matrix, 0)
    return codes, matrix


@pytest.mark.parametrize("languages", [1, 4, 87, *(pytest.param(n, marks=pytest.mark.slow) for n in (12, 130))])
def test_the_matrix_of_pairs(languages: int) -> None:
    codes, matrix = pairs_of(languages)
    png = draw_pairs(codes, matrix.tolist())
    assert len(png) < 400_000
    pixels = imread(io.BytesIO(png))
    assert min(pixels.shape[:2]) > 300 and max(pixels.shape[:2]) < 2000
    colours = np.unique((pixels[:, :, :3] * 255).astype(np.uint8).reshape(-1, 3), axis=0)
    assert len(colours) > 50
    gaps = (matrix + np.eye(languages) == 0).mean()
    grey = (np.abs(pixels[:, :, :3] - 0xD9 / 255).max(axis=2) < 0.005).mean()
    assert 0.35 * gaps <= grey <= gaps + 0.001  # the matrix takes more than a third of the picture


def test_equal_ratios_of_counts_are_equal_steps_of_colour() -> None:
    matrix = np.array([[0, 10, 100], [10, 0, 1000], [100, 1000, 0]])
    assert pair_range(matrix) == (10, 1000)
    middle = pair_colours(matrix)[0, 2].tolist()  # 100 lies half-way between 10 and 1,000
    assert middle == list(colormaps["viridis"](0.5))
    assert pair_range(np.array([[0, 7], [7, 0]])) == (0.7, 7)  # one count alone, and none at all, have a scale
    assert pair_range(np.zeros((2, 2))) == (0.1, 1)
    matrix[0, 1] = 0
    colours = pair_colours(matrix)
    assert colours[0, 1].tolist() == pytest.approx([0xD9 / 255] * 3 + [1])
    assert (colours[[0, 1, 2], [0, 1, 2]] == 1).all()
    assert colours[1, 2].tolist() == list(colormaps["viridis"](1.0))
    assert colours[1, 0].tolist() == list(colormaps["viridis"](0.0))


def test_names_are_never_higher_than_their_cells() -> None:
    for inches in (0.095, 0.1, 0.2, 0.7):
        assert 5 < _font(inches) <= 72 * inches  # points; below five nobody reads


@pytest.mark.parametrize("languages", [0, 87])
def test_lengths(languages: int) -> None:
    rng = np.random.default_rng(3)
    bins = {f"x{i:02d}": rng.integers(0, 50, len(LENGTHS) + 1).tolist() for i in range(languages)}
    pixels = imread(io.BytesIO(draw_lengths(LENGTHS, {**bins, "none": [0] * (len(LENGTHS) + 1)})))
    assert max(pixels.shape[:2]) < 2000
    colours = np.unique((pixels[:, :, :3] * 255).astype(np.uint8).reshape(-1, 3), axis=0)
    assert len(colours) > 50


def test_names_of_bins() -> None:
    assert bin_names((2, 3, 4, 6, 8)) == ["1", "2", "3", "4-5", "6-7", "8 and more"]
