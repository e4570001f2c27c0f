"""How the model update grows with depth, fitted over the configurations that differ in depth alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtdeep.probe.records import Record

DEPTH = ("encoder_layers", "decoder_layers")


@dataclass(frozen=True)
class Growth:
    """Configurations that differ in depth alone: their names and total depths, their relative update per unit of rate.

    See `SgdUpdate` for the two updates. The exponents p are of update ~ depth^p, least squares in the logarithms; None
    for a single depth. DeepNet's theory has 0 for the matrices under DeepNorm (arXiv 2203.00555, Theorem 4.3).
    """

    names: list[str]
    depths: list[int]
    matrices: list[float]
    layers: list[float]
    matrices_exponent: float | None
    layers_exponent: float | None


def growths(records: Sequence[Record]) -> list[Growth]:
    """Return one `Growth` for each family among models that are not from a checkpoint.

    A family has the same configuration but for its depth, and the same stacks.
    """
    families: dict[str, list[tuple[int, str, float, float]]] = {}
    for record in records:
        config, sgd = record["config"], record["sgd"]
        model = [*sgd["matrices"]][-1]
        values = (sgd["matrices"][model], sgd["layers"][model])
        if record["checkpoint"] is None and None not in values and min(values) > 0:
            layers = [config[name] for name in DEPTH]
            same = {key: value for key, value in config.items() if key not in DEPTH}
            family = json.dumps([same, [count > 0 for count in layers]], sort_keys=True)
            families.setdefault(family, []).append((sum(layers), record["name"], *values))
    return [_growth(sorted(points)) for points in families.values()]


def exponent(depths: Sequence[float], values: Sequence[float]) -> float:
    """Return the p of values ~ depths^p: least squares in the logarithms, from two different depths on."""
    return float(np.polyfit(np.log(depths), np.log(values), 1)[0])


def _growth(points: list[tuple[int, str, float, float]]) -> Growth:
    depths, names, matrices, layers = (list(column) for column in zip(*points, strict=True))
    fitted = [exponent(depths, values) if len(set(depths)) > 1 else None for values in (matrices, layers)]
    return Growth(names, depths, matrices, layers, *fitted)
