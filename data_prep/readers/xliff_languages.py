"""The languages that an XLIFF file says it is in."""

from __future__ import annotations

from pathlib import Path

from data_prep.readers.rows import LONGEST
from data_prep.readers.xliff import LANGUAGE_ATTRIBUTES, UNIT_NAMES, inherited
from data_prep.readers.xml_units import Unit, read_units


def xliff_languages(path: Path) -> tuple[str | None, str | None] | None:
    """Return the source and the target of a file's first unit, as they are spelt there; None where it does not say.

    None in place of both: the file has no unit. Raises UserError as `read_units` does.
    """
    for unit in read_units(path, UNIT_NAMES, LONGEST):
        if isinstance(unit, Unit):
            source, target = (
                next(filter(None, (inherited(unit.element, name) for name in names)), None)
                for names in LANGUAGE_ATTRIBUTES.values()
            )
            return source, target
    return None
