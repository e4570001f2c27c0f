"""How the model update grows with depth, fitted over the configurations that differ in depth alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Record = dict[str, Any]


@dataclass(frozen=True)
class Growth:
    """Configurations of one scheme and width: their total depths, and their relative update per unit of rate.

    See `SgdUpdate` for the two updates. The exponents p are of update ~ depth^p, least squares in the logarithms; None
    for a single depth. DeepNet's theory has 0 for the matrices under DeepNorm (arXiv 2203.00555, Theorem 4.3).
    """

    scheme: str
    width: int
    depths: list[int]
    matrices: list[float]
    layers: list[float]
    matrices_exponent: float | None
    layers_exponent: float | None


def growths(records: Sequence[Record]) -> list[Growth]:
    """Return one `Growth` for each scheme and width among models that are not from a checkpoint."""
    families: dict[tuple[str, int], list[tuple[int, float, float]]] = {}
    for record in records:
        config, sgd = record["config"], record["sgd"]
        model = [*sgd["matrices"]][-1]
        values = (sgd["matrices"][model], sgd["layers"][model])
        if record["checkpoint"] is None and None not in values and min(values) > 0:
            depth = config["encoder_layers"] + config["decoder_layers"]
            families.setdefault((config["scheme"], record["width"]), []).append((depth, *values))
    return [_growth(scheme, width, sorted(points)) for (scheme, width), points in families.items()]


def exponent(depths: Sequence[float], values: Sequence[float]) -> float:
    """Return the p of values ~ depths^p: least squares in the logarithms, from two different depths on."""
    return float(np.polyfit(np.log(depths), np.log(values), 1)[0])


def _growth(scheme: str, width: int, points: list[tuple[int, float, float]]) -> Growth:
    depths, matrices, layers = (list(column) for column in zip(*points, strict=True))
    fitted = [exponent(depths, values) if len(set(depths)) > 1 else None for values in (matrices, layers)]
    return Growth(scheme, width, depths, matrices, layers, *fitted)
