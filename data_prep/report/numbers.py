"""Numbers as people read them."""

from __future__ import annotations

_UNITS = "kMGT"


def short(count: int) -> str:
    """Return a count below 10^15 in at most four characters: 987, and beyond two digits of it, 1.2k, 31k, 310k, 4.5M.

    Raises IndexError for larger ones.
    """
    if count < 1000:
        return str(count)
    digits, exponent = f"{count:.1e}".split("e")
    unit, shift = divmod(int(exponent), 3)
    number = float(digits) * 10**shift
    return f"{number:.0f}{_UNITS[unit - 1]}" if shift else f"{number:.1f}{_UNITS[unit - 1]}"


def plain(value: float | None) -> str:
    """Return a count with commas, another number with three digits, and a dash for none."""
    match value:
        case None:
            return "-"
        case int():
            return f"{value:,}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def percent(share: float) -> str:
    """Return a share with three digits: 0.166 is 16.6 %."""
    return f"{100 * share:.3g} %"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: 1 note, 1,200 notes."""
    return f"{count:,} {noun if count == 1 else {'corpus': 'corpora'}.get(noun, f'{noun}s')}"
