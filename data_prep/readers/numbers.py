"""Scores as files have them."""

from __future__ import annotations

import math


def number(given: object) -> float | None:
    """Return the score that a text or a JSON value gives, None for what is no finite number."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return None
    try:
        value = float(given)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None
