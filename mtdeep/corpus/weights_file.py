"""Sampling by the lines of a file, each with the share of a direction, or of a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from mtdeep.corpus.directions import Direction
from mtdeep.corpus.line_files import read_entries
from mtdeep.corpus.origins import parse_weight
from mtdeep.corpus.views import DirectionView
from mtdeep.errors import UserError, shortened


@dataclass(frozen=True)
class FileWeights:
    """A line is drawn in proportion to its weight, then one of its examples.

    weights: by direction, as fairseq writes a pair, or by_corpus by the names of corpora, each of which has its
    directions' examples in proportion to their number.
    """

    weights: Mapping[str, float]
    by_corpus: bool
    budget: ClassVar[None] = None

    @classmethod
    def read(cls, path: Path, views: Sequence[DirectionView]) -> FileWeights:
        """Lines `de-en 2.0`, or `CORPUS 2.0`, for every direction, or corpus, of the views.

        Raises `UserError`, with file and line where there is one: a line of another form, of something that the views
        do not have or that stood before, directions and corpora in one file, something without a line, only zeros.
        """
        directions = {str(view.direction) for view in views}
        corpora = {corpus.name for view in views for corpus in view.corpora}
        weights: dict[str, float] = {}

        def take(line: str) -> None:
            name, weight = _parse(line, directions, corpora)
            if name in weights:
                raise UserError(f"{name} has a weight already; remove one of the lines")
            if weights and (name in directions) != (next(iter(weights)) in directions):
                raise UserError(f"{name}: weights are by direction or by corpus; give each its own file")
            weights[name] = weight

        read_entries(path, "lines such as `de-en 2.0`, or one of temperature, unimax and capped", take)
        by_corpus = not weights.keys() <= directions
        missing = sorted((corpora if by_corpus else directions) - weights.keys())
        if missing:
            raise UserError(
                f"{path}: no line for {shortened(missing)}; add one, of weight 0 for what should not be drawn"
            )
        if not any(weights.values()):
            raise UserError(f"{path}: every weight is 0; raise one")
        return cls(weights, by_corpus)

    def group(self, view: DirectionView) -> str:
        """The direction, or the corpus."""
        return view.corpora[0].name if self.by_corpus else str(view.direction)

    def shares(self, groups: Sequence[str], c: np.ndarray, once: np.ndarray) -> np.ndarray:
        """Share of each line, in proportion to its weight."""
        weights = np.array([self.weights[group] for group in groups]) * (c > 0)
        if not weights.any():
            raise UserError("the file of weights and --origin-weights together leave nothing to draw; raise a weight")
        p: np.ndarray = weights / weights.sum()
        return p


def _parse(line: str, directions: set[str], corpora: set[str]) -> tuple[str, float]:
    """Name and weight of a line; a direction in any spelling becomes fairseq's."""
    name, _, number = (text.strip() for text in line.replace("\t", " ").rpartition(" "))
    if not name:
        raise UserError(f"{line!r} is not of the form `de-en 2.0`; write a direction or a corpus, and its weight")
    weight = parse_weight(number)
    try:
        direction = str(Direction.parse(name))
    except UserError:
        direction = name
    if direction in directions:
        return direction, weight
    if name in corpora:
        return name, weight
    raise UserError(
        f"{name} is neither a direction nor a corpus of this training; remove the line, or see to --directions"
    )
