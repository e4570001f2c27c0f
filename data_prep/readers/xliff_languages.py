"""The languages that an XLIFF file says it is in."""

from __future__ import annotations

from pathlib import Path

from data_prep.readers.rows import LONGEST
from data_prep.readers.xml_units import Unit, read_units

_SIDES = ("source-language", "srcLang"), ("target-language", "trgLang")
"""The attributes of XLIFF 1.2 and of 2."""


def xliff_languages(path: Path) -> tuple[str | None, str | None]:
    """Return the source and the target of a file's first unit, as they are spelt there; None where it does not say.

    Raises UserError as `read_units` does.
    """
    for unit in read_units(path, {"trans-unit", "unit"}, {"file", "group"}, LONGEST):
        if isinstance(unit, Unit):
            around = [unit.element, *unit.element.iterancestors()]
            source, target = (
                next((element.get(name) for element in around for name in names if element.get(name)), None)
                for names in _SIDES
            )
            return source, target
    return None, None
