from __future__ import annotations

import re
from importlib.resources import files

import pytest


@pytest.fixture(scope="session")
def macrolanguages() -> list[tuple[str, str]]:
    """Language and macrolanguage, from the text of IANA's registry, which langcodes has beside its tables."""
    registry = files("langcodes").joinpath("data/language-subtag-registry.txt").read_text(encoding="utf-8")
    pairs = []
    for record in registry.split("%%"):
        fields = dict(re.findall(r"^(Type|Subtag|Macrolanguage): (\S+)$", record, re.MULTILINE))
        if fields.get("Type") == "language" and "Macrolanguage" in fields:
            pairs.append((fields["Subtag"], fields["Macrolanguage"]))
    return pairs
