"""Versions of what decides a step's result beside its inputs, its settings and its own code.

NumPy, DuckDB and xxHash are not among them: steps ask them for integers, sorted orders and hashes, which a definition
fixes and no version changes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import metadata

from data_prep.engine import tables

UNICODE = "unicode"
"""Stands for Python's own tables of Unicode: normal forms, case, what is a letter."""
TABLES = "language tables"
"""Stands for the tables on languages and scripts that ship with the code (`engine.tables`)."""
LANGUAGES = ("langcodes", TABLES)
"""What says which language a code means, and of a language its script, its relatives and how long its text is."""
ABSENT = "not installed"


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return name -> version of distributions, by the names they are installed under, of UNICODE and TABLES; sorted."""
    return {library: version(library) for library in sorted(set(libraries))}


@cache
def version(library: str) -> str:
    """Return a version, ABSENT for what is not installed. Read once a process: metadata are files."""
    if library == UNICODE:
        return unicodedata.unidata_version
    if library == TABLES:
        return tables.digest()
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ABSENT
