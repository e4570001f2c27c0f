"""What a training draws from: views of like examples, and the share of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.sampling import Sampling
from mtdeep.corpus.views import DirectionView
from mtdeep.errors import UserError


@dataclass(frozen=True)
class Mixture:
    """Views, and the share of the draws of each, (views,) float64, with what they were made by."""

    views: tuple[DirectionView, ...]
    probabilities: np.ndarray
    sampling: Sampling
    origin_weights: Mapping[str, float]

    def facts(self) -> list[object]:
        """All that views and shares depend on, beside the store, as JSON knows it."""
        return [
            [str(view) for view in self.views],
            [dict(view.origin_tags) for view in self.views[:1]],  # all views have the same
            repr(self.sampling),
            dict(self.origin_weights),
        ]


def mixture(views: Sequence[DirectionView], sampling: Sampling, origin_weights: Mapping[str, float]) -> Mixture:
    """Cut directions where their corpora are drawn differently, and give every view its share.

    An example of an origin with weight w counts as w examples (1 where no weight is given): in the size of its group,
    and within it, so that it is drawn w times as often as one of weight 1. Raises `UserError` for a weight of an origin
    that no corpus has, and when nothing has a weight above 0.
    """
    present = {corpus.origin for view in views for corpus in view.corpora}
    idle = sorted(origin_weights.keys() - present)
    if idle:
        raise UserError(
            f"--origin-weights names {' and '.join(idle)}, but these directions have only "
            f"{', '.join(sorted(present))} text; leave that out"
        )

    def kind(corpus: Corpus) -> tuple[str, ...]:
        origin = (corpus.origin,) if origin_weights else ()
        return (corpus.name, *origin) if sampling.by_corpus else origin

    cut = tuple(views)
    if origin_weights or sampling.by_corpus:
        cut = tuple(part for view in views for part in view.cut(kind))
    weight = np.array([origin_weights.get(view.corpora[0].origin, 1.0) for view in cut])
    groups: dict[str, int] = {}
    group = np.array([groups.setdefault(sampling.group(view), len(groups)) for view in cut])
    examples = weight * np.array([len(view) for view in cut])
    c = np.bincount(group, weights=examples)
    if not c.any():
        raise UserError("--origin-weights gives everything the weight 0; raise one")
    heaviest = np.zeros(len(groups))
    np.maximum.at(heaviest, group, weight)
    # The heaviest examples of a group are due again first; a group of weight 0 is never drawn.
    once = c / np.where(heaviest > 0, heaviest, 1)
    shares = sampling.shares(list(groups), c, once)
    probabilities = shares[group] * examples / np.where(c > 0, c, 1)[group]
    return Mixture(cut, probabilities, sampling, origin_weights)
