"""Scores as tab-separated text: a list of directions that can be read back, and matrices to look at.

`scores.tsv` has a line for every direction asked for, gaps included: source, target, segments, one column a metric,
the signatures. A gap has 0 segments and empty cells. Numbers are written in full, so that reading gives them back.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from mtdeep.corpus import Direction
from mtdeep.durable import write_atomically
from mtdeep.errors import UserError
from mtdeep.evaluation.matrix import Average, Matrix
from mtdeep.evaluation.scores import METRICS, DirectionScore

COLUMNS = ("source", "target", "segments", *METRICS, "BLEU signature", "chrF++ signature")
Rows = list[list[str]]


def write_scores(path: Path, expected: Sequence[Direction], scores: Sequence[DirectionScore]) -> None:
    """Write one line for each expected direction."""
    found = {score.direction: score for score in scores}
    rows = [list(COLUMNS)]
    for direction in expected:
        score = found.get(direction)
        cells = ["0", *[""] * (len(METRICS) + 2)]
        if score is not None:
            values = [repr(score.values[metric]) for metric in METRICS]
            cells = [str(score.segments), *values, score.bleu_signature, score.chrf_signature]
        rows.append([direction.source, direction.target, *cells])
    _write(path, rows)


def read_scores(path: Path) -> tuple[tuple[Direction, ...], list[DirectionScore]]:
    """Return (expected directions, scores) of what `write_scores` wrote; raises UserError with file and line."""
    rows = _read(path)
    if not rows or tuple(rows[0]) != COLUMNS:
        raise UserError(f"{path}:1: not a table of scores, which starts with the columns {', '.join(COLUMNS)}.")
    expected, scores = [], []
    for number, row in enumerate(rows[1:], start=2):
        try:
            source, target, segments, *values = row[:-2]
            direction = Direction(source, target)
            if int(segments):
                numbers = dict(zip(METRICS, map(float, values), strict=True))
                scores.append(DirectionScore(direction, int(segments), numbers, *row[-2:]))
        except (TypeError, ValueError):
            raise UserError(f"{path}:{number}: not a line of scores; evaluate again to write it anew.") from None
        expected.append(direction)
    return tuple(expected), scores


def write_matrix(path: Path, matrix: Matrix) -> None:
    """Write sources by targets with averages and their coverage on the right and below; a gap is an empty cell."""
    languages = matrix.languages
    rows = [[matrix.metric, *languages, "average", "coverage"]]
    for source in languages:
        cells = [_cell(matrix.value(source, target)) for target in languages]
        rows.append([source, *cells, *_summary(matrix.average_from(source))])
    into = [matrix.average_to(target) for target in languages]
    overall = matrix.average()
    rows.append(["average", *[_cell(a.value) for a in into], *_summary(overall)])
    rows.append(["coverage", *[a.coverage for a in into], overall.coverage, overall.coverage])
    _write(path, rows)


def _summary(average: Average) -> tuple[str, str]:
    return _cell(average.value), average.coverage


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _write(path: Path, rows: Rows) -> None:
    def write(partial: Path) -> None:
        with partial.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, "excel-tab", lineterminator="\n").writerows(rows)

    write_atomically(path, write)


def _read(path: Path) -> Rows:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file, "excel-tab"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give the scores.tsv of an evaluation.") from None
