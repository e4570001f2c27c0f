"""Bytes, as people write them."""

from __future__ import annotations

import re

from mtdeep.errors import UserError

_PREFIXES = ("", "K", "M", "G", "T")
_UNITS = {
    **{f"{prefix}B": 1000**power for power, prefix in enumerate(_PREFIXES)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate(_PREFIXES) if prefix},
}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")


def parse_bytes(text: str) -> int:
    """Return the bytes of an amount such as 80GB (decimal), 40 GiB (binary) or 512MB.

    Raises UserError for anything else.
    """
    found = _AMOUNT.fullmatch(text)
    units = {unit.lower(): size for unit, size in _UNITS.items()}
    if found is None or found[2].lower() not in units:
        raise UserError(f"{text!r} is no amount of memory; write a number and one of {', '.join(_UNITS)}, as in 80GB.")
    return int(float(found[1]) * units[found[2].lower()])


def format_bytes(size: float) -> str:
    """Return an amount in the decimal unit that leaves it one to three digits before the point: 12.3 GB."""
    power = 0
    while abs(size) >= 999.5 and power < len(_PREFIXES) - 1:
        size /= 1000
        power += 1
    return f"{size:.0f} B" if power == 0 else f"{size:.3g} {_PREFIXES[power]}B"
