"""Templates: how parts make a phrase, in a notation that every language shares.

``{part}`` stands for one part; ``{and part part ...}`` and ``{or part part ...}`` for a list that each locale joins in
its own way. What is between the braces is punctuation only, so that every word of a phrase is the locale's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_GROUP = re.compile(r"\{([^}]*)\}")
_STYLES = {"and": "standard", "or": "or"}

TEMPLATES = (
    "{and territory territory}",
    "{or territory territory}",
    "{and territory territory territory}",
    "{or territory territory territory}",
    "{and language language language}",
    "{or language language}",
    "{territory}: {and language language}",
    "{territory}: {or language language language}",
    "{language} ({territory})",
    "{language} ({script})",
    "{language} ({script}, {territory})",
    "{and language language} ({script})",
    "{territory}, {date_long}",
    "{and territory territory}, {date_medium}",
    "{territory}: {amount}",
    "{territory}: {or amount amount}",
    "{and quantity quantity}",
    "{or quantity quantity} ({percent})",
    "{territory}: {quantity}",
    "{territory} \u2013 {territory}: {quantity}",
    "{territory} \u2013 {territory}: {quantity}, {amount}",
    "{territory}: {price}",
    "{quantity} ({price})",
    "{date_full}: {and territory territory}",
    "{date_full} ({territory})",
    "{date_time}, {territory}",
    "{date_time}: {language}",
    "{or weekday weekday}: {hours}",
    "{and weekday weekday}: {territory}, {hours}",
    "{weekday}: {and quantity quantity}",
    "{territory} ({relative})",
    "{and language language} ({relative})",
    "{relative}: {amount}",
    "{relative}: {and territory territory}",
    "{territory} ({zone}): {time}",
    "{zone}: {date_time}",
    "{currency} ({territory})",
    "{and currency currency}",
    "{territory}: {or currency currency}",
    "{currency}: {amount}",
    "{amount} ({money})",
    "{territory}: {compact} ({percent})",
    "{language}: {compact}, {territory}",
    "{territory}: {days}",
    "{and territory language}: {days}",
    "{quarter}: {and territory territory}",
    "{month_year}: {territory}, {amount}",
    "{day_month}: {or language language}",
    "{territory}: {and amount quantity}",
    "{language}, {and territory territory}: {percent}",
    "{territory}: {quantity} ({decimal})",
    "{script}: {and language language language}",
)


@dataclass(frozen=True)
class Template:
    """A pattern with numbered holes; each hole is one part or a list of parts in a locale's list style."""

    notation: str
    pattern: str
    holes: tuple[tuple[str | None, int], ...]  # (list style or None, parts in the hole)
    parts: tuple[str, ...]


def parse_template(notation: str) -> Template:
    """Return the template that *notation* describes."""
    holes: list[tuple[str | None, int]] = []
    parts: list[str] = []

    def hole(match: re.Match[str]) -> str:
        words = match[1].split()
        style = _STYLES[words[0]] if len(words) > 1 else None
        items = words[1:] if style else words
        holes.append((style, len(items)))
        parts.extend(items)
        return f"{{{len(holes) - 1}}}"

    return Template(notation, _GROUP.sub(hole, notation), tuple(holes), tuple(parts))
