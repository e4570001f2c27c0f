"""Families against IANA's registry, whose text is read a second time here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from data_prep.cleaning.related import family
from mtdeep.languages import find


def macrolanguages() -> Iterator[tuple[str, str]]:
    """Language and macrolanguage, ISO 639-3's, of the registry."""
    registry = files("langcodes").joinpath("data/language-subtag-registry.txt").read_text(encoding="utf-8")
    for record in registry.split("%%"):
        fields = dict(re.findall(r"^(Type|Subtag|Macrolanguage): (\S+)$", record, re.MULTILINE))
        if fields.get("Type") == "language" and "Macrolanguage" in fields:
            yield fields["Subtag"], fields["Macrolanguage"]


def test_macrolanguages_are_families() -> None:
    pairs = list(macrolanguages())
    assert len(pairs) > 440
    for language, macrolanguage in pairs:
        assert family(language) == family(macrolanguage)
        canonical, above = find(language), find(macrolanguage)
        assert canonical and above and family(canonical) == family(above)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("nb", "da"),  # CLDR: readers of either take the other
        ("cs", "sk"),
        ("hr", "sr-Latn"),
        ("xh", "zu"),
        ("nso", "st"),
        ("arz", "ar"),
        ("ckb", "ku"),
        ("hnm", "zh-Hans"),  # younger than langcodes' registry
        ("en-GB", "en"),
    ],
)
def test_relatives(one: str, other: str) -> None:
    assert family(one) == family(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uk", "ru"),  # who reads Ukrainian reads Russian too, says CLDR, but not the other way round
        ("lb", "de"),
        ("gl", "es"),
        ("gn", "es"),
        ("ms", "jv"),
        ("en", "de"),
        ("fa", "tg"),
    ],
)
def test_no_relatives(one: str, other: str) -> None:
    assert family(one) != family(other)
