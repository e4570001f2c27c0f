"""Tables: what is written is read back; gaps and coverage are in sight."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtdeep.corpus import Direction
from mtdeep.errors import UserError
from mtdeep.evaluation import BLEU, CHRF, COPY_BLEU, DirectionScore, Matrix
from mtdeep.evaluation.tables import read_scores, write_matrix, write_scores

CODES = ("en", "de", "zh-Hans")
EXPECTED = tuple(Direction(s, t) for s in CODES for t in CODES if s != t)


def scored(direction: Direction, bleu: float, signature: str = "tok:13a") -> DirectionScore:
    return DirectionScore(direction, 10, {BLEU: bleu, CHRF: bleu + 20, COPY_BLEU: 1.0}, signature, "nc:6")


def some_scores() -> list[DirectionScore]:
    return [
        scored(Direction("en", "de"), 10.0),
        scored(Direction("de", "en"), 20.0),
        scored(Direction("en", "zh-Hans"), 33.0, "tok:zh"),
    ]


def test_averages_say_what_they_cover() -> None:
    matrix = Matrix.of(BLEU, EXPECTED, some_scores())
    assert matrix.languages == CODES
    assert matrix.average().value == pytest.approx(21.0)
    assert matrix.average().coverage == "3/6"
    assert str(matrix.average()) == "21.00 (3/6 directions)"
    assert matrix.average_from("en").value == pytest.approx(21.5)
    assert str(matrix.average_from("en")) == "21.50"
    assert matrix.average_to("en").coverage == "1/2"
    assert matrix.average_from("zh-Hans").value is None
    assert str(matrix.average_from("zh-Hans")) == "no score (0/2 directions)"
    assert [str(d) for d in matrix.gaps()] == ["de-zh_Hans", "zh_Hans-en", "zh_Hans-de"]
    assert matrix.signatures == ("tok:13a", "tok:zh")
    assert Matrix.of(CHRF, EXPECTED, some_scores()).signatures == ("nc:6",)


def test_matrix_table_shows_gaps(tmp_path: Path) -> None:
    write_matrix(tmp_path / "bleu.tsv", Matrix.of(BLEU, EXPECTED, some_scores()))
    with (tmp_path / "bleu.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    assert rows == [
        ["BLEU", "en", "de", "zh-Hans", "average", "coverage"],
        ["en", "", "10.00", "33.00", "21.50", "2/2"],
        ["de", "20.00", "", "", "20.00", "1/2"],
        ["zh-Hans", "", "", "", "", "0/2"],
        ["average", "20.00", "10.00", "33.00", "21.00", "3/6"],
        ["coverage", "1/2", "1/2", "1/2", "3/6", "3/6"],
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["bleu.tsv"]


@given(st.dictionaries(st.sampled_from(EXPECTED), st.floats(0, 100)))
def test_scores_are_read_back_to_the_bit(tmp_path_factory: pytest.TempPathFactory, found: dict) -> None:
    path = tmp_path_factory.mktemp("scores") / "scores.tsv"
    scores = [scored(direction, found[direction]) for direction in EXPECTED if direction in found]
    write_scores(path, EXPECTED, scores)
    assert read_scores(path) == (EXPECTED, scores)


def test_what_is_no_table_of_scores(tmp_path: Path) -> None:
    path = tmp_path / "scores.tsv"
    with pytest.raises(UserError, match="cannot be read"):
        read_scores(path)
    path.write_text("source\ttarget\n")
    with pytest.raises(UserError, match=r"scores.tsv:1: not a table of scores"):
        read_scores(path)
    write_scores(path, EXPECTED, some_scores())
    lines = path.read_text().splitlines()
    for line in ("en\tde\tten\t1\t2\t3\ta\tb", "en\tde", "en\tde\t10\t1\t2\ta\tb"):
        path.write_text("\n".join([*lines[:2], line, ""]))
        with pytest.raises(UserError, match=r"scores.tsv:3: not a line of scores"):
            read_scores(path)
