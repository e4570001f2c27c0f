from __future__ import annotations

from collections.abc import Sequence

import pytest

from data_prep.cleaning.related import family
from mtdeep.languages import find


def test_macrolanguages_are_families(macrolanguages: Sequence[tuple[str, str]]) -> None:
    assert len(macrolanguages) > 440
    for language, macrolanguage in macrolanguages:
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
