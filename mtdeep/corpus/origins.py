"""Where the sentences of a corpus come from: sampling can weight it, and a tag can show it to the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mtdeep.errors import UserError

HUMAN, MINED, BACK_TRANSLATED = ORIGINS = ("human", "mined", "back_translated")
ORIGIN_TAGS = {BACK_TRANSLATED: "<bt>"}
"""Symbol of an origin before the pieces of a source (Caswell et al. 2019, arXiv 1906.06442)."""


def origin_of(provenance: Mapping[str, Any], corpus: str) -> str:
    """The origin that a corpus's provenance records, human where it has none; raises `UserError` for another."""
    origin = provenance.get("origin", HUMAN)
    if origin not in ORIGINS:
        raise UserError(
            f"corpus {corpus!r} has the origin {origin!r}, which is none of {', '.join(ORIGINS)}; "
            "prepare the store again with one of these"
        )
    return str(origin)


def parse_origin_weights(spec: str) -> dict[str, float]:
    """Weights of `mined=0.5,back_translated=0.3`; raises `UserError` that names what is wrong."""
    weights: dict[str, float] = {}
    for part in spec.split(","):
        origin, _, number = (text.strip() for text in part.partition("="))
        if origin not in ORIGINS:
            raise UserError(f"{part.strip()!r} is not of the form ORIGIN=WEIGHT; the origins are {', '.join(ORIGINS)}")
        if origin in weights:
            raise UserError(f"the origin {origin} has two weights; give it one")
        weights[origin] = parse_weight(number)
    return weights


def parse_weight(text: str) -> float:
    """A weight as a user writes it; raises `UserError` unless it is a finite number, 0 or more."""
    try:
        weight = float(text)
    except ValueError:
        raise UserError(f"the weight {text!r} is not a number; write one such as 0.5") from None
    if not 0 <= weight < math.inf:
        raise UserError(f"the weight {text} is not finite and 0 or more; write one such as 0.5")
    return weight
