"""Families of languages and their branches, as CLDR has them.

`language_families.tsv` was made by `scripts/language_families.py`, which names its source; its licence is beside it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_ALL = "mul"  # the group of all families


def family(code: str) -> str:
    """ISO 639-5 code of the family of a canonical code, `ine` (Indo-European) for `en`.

    A language without relatives, or that CLDR has in no family, is its own.
    """
    return _lineage(code)[0]


def branch(code: str) -> str:
    """ISO 639-5 code of the group right below the family, `gem` (Germanic) for `en`; the family where there is none."""
    groups = _lineage(code)[:2]
    return groups[1] if len(groups) > 1 and groups[1] in _table().values() else groups[0]


@cache
def _lineage(code: str) -> tuple[str, ...]:
    """The family, the groups within it, and at last the language."""
    groups = [code.split("-")[0]]
    while (parent := _table().get(groups[0], _ALL)) != _ALL:
        groups.insert(0, parent)
    return tuple(groups)


@cache
def _table() -> dict[str, str]:
    """The group that each language or group is in; a few are in two, of which the first counts."""
    table: dict[str, str] = {}
    for line in files("mtdeep").joinpath("language_families.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            group, members = line.split("\t")
            for member in members.split():
                table.setdefault(member, group)
    return table
