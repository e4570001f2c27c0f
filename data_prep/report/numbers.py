"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Mapping


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


def in_words(rejected: Mapping[str, int]) -> str:
    """Return the counts of reasons as one line."""
    return ", ".join(f"{count:,} {reason}" for reason, count in rejected.items()) or "none"
