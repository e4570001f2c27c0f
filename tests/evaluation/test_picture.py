"""Pictures for few and for many languages: there, not blank, and every value in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from mtdeep.corpus import Direction
from mtdeep.evaluation import BLEU, DirectionScore, Matrix
from mtdeep.evaluation.picture import draw, values_with_averages

SIGNATURES = (
    "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0",
    "nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp|version:2.6.0",
)


def matrix_of(languages: int, gap_every: int = 7) -> Matrix:
    """Scores that are sums of a part for the source and one for the target, with gaps here and there."""
    codes = [f"x{i:02d}" if i % 5 else f"x{i:02d}-Hans" for i in range(languages)]
    expected = [Direction(s, t) for s in codes for t in codes if s != t]
    scores = [
        DirectionScore(d, 10, {BLEU: codes.index(d.source) % 13 + 2.0 * (codes.index(d.target) % 17)}, s, "")
        for i, d in enumerate(expected)
        if i % gap_every
        for s in [SIGNATURES[i % 2]]
    ]
    return Matrix.of(BLEU, expected, scores)


@pytest.mark.parametrize("languages", [2, 20, 100])
def test_picture_is_there_and_not_blank(languages: int, tmp_path: Path) -> None:
    path = tmp_path / "bleu.png"
    draw(matrix_of(languages), path, "deepnet_mt_36 (checkpoint_best.pt, 1200 updates) on test")
    pixels = imread(path)
    assert min(pixels.shape[:2]) > 500
    assert max(pixels.shape[:2]) < 3000
    colours = np.unique((pixels[:, :, :3] * 255).astype(np.uint8).reshape(-1, 3), axis=0)
    assert len(colours) > 50
    white = (pixels[:, :, :3].min(axis=2) > 0.99).mean()
    assert white < 0.75
    assert [file.name for file in tmp_path.iterdir()] == ["bleu.png"]


def test_without_any_score_there_is_still_a_picture(tmp_path: Path) -> None:
    expected = [Direction("en", "de"), Direction("de", "en")]
    draw(Matrix.of(BLEU, expected, []), tmp_path / "bleu.png", "nothing")
    assert (tmp_path / "bleu.png").stat().st_size > 0


def test_values_and_averages_stand_in_their_places() -> None:
    matrix = matrix_of(5)
    grid = values_with_averages(matrix)
    assert grid.shape == (6, 6)
    for i, source in enumerate(matrix.languages):
        for j, target in enumerate(matrix.languages):
            value = matrix.value(source, target)
            assert np.isnan(grid[i, j]) if value is None else grid[i, j] == value
        assert grid[i, 5] == matrix.average_from(source).value
        assert grid[5, i] == matrix.average_to(source).value
    assert grid[5, 5] == matrix.average().value


def test_the_same_matrix_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        draw(matrix_of(3), tmp_path / name, "title")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
