from __future__ import annotations

import pytest
from pydantic import ValidationError

from data_prep.cleaning.rule import Rule
from data_prep.cleaning.settings import RULES, CleaningSettings, Level, resolve, table
from mtdeep.errors import UserError

EVERY_LEVEL = {
    "default": {"length": {"max": 500}},
    "scripts": {"Hant": {"length": {"max": 400, "min": 2}}},
    "languages": {"zh_TW": {"length": {"max": 300}}},
    "pairs": {"zho_Hant-en": {"length": {"max": 200}}},
    "corpora": {"opus": {"length": {"max": 100}, "numbers": True, "transforms": ["nfkc"]}},
}


def given(document: object) -> CleaningSettings:
    return CleaningSettings.model_validate(document)


@pytest.mark.parametrize(
    ("language", "others", "corpus", "maximum", "origin"),
    [
        ("zh-Hant", ["en"], "opus", 100, "corpus opus"),
        ("zh-Hant", ["en"], "un", 200, "pair en-zh_Hant"),
        ("en", ["zh-Hant"], "un", 200, "pair en-zh_Hant"),
        ("zh-Hant", ["en", "de"], "un", 300, "language zh-Hant"),
        ("yue", ["en"], "un", 400, "script Hant"),
        ("de", ["en"], "un", 500, "default"),
    ],
)
def test_the_nearest_level_wins(language: str, others: list[str], corpus: str, maximum: float, origin: str) -> None:
    found = resolve(given(EVERY_LEVEL), language, corpus, others)
    assert found.rules["length"].max == maximum
    assert found.origins["length", "max"] == origin


def test_levels_say_only_what_they_change() -> None:
    found = resolve(given(EVERY_LEVEL), "zh-Hant", "opus", ["en"])
    assert found.rules["length"].min == 2
    assert found.origins["length", "min"] == "script Hant"
    assert found.rules["numbers"].enabled
    assert found.transforms == ("nfkc",)
    assert found.rules["digits"] == RULES["digits"]()
    assert found.origins["digits", "max"] == "built in"


def test_switches() -> None:
    settings = given({"default": {"script": False}, "languages": {"sr": {"script": {"enabled": True}}}})
    assert resolve(settings, "sr", "c").rules["script"].enabled
    assert not resolve(settings, "hr", "c").rules["script"].enabled


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"default": {"lenght": {}}}, "Extra inputs are not permitted"),
        ({"languages": {"en": {"length": {"maxx": 3}}}}, "Extra inputs are not permitted"),
        ({"languages": {"en-XX-!": {}}}, "unknown language code 'en-XX-!'"),
        ({"languages": {"zh_TW": {}, "zho_Hant": {}}}, "'zho_Hant' is the same as 'zh_TW'"),
        ({"scripts": {"Latin": {}}}, "no script of Unicode"),
        ({"pairs": {"en-zh-Hans": {}}}, "a pair is written as directions are"),
        ({"pairs": {"en-de": {}, "de-en": {}}}, "is the same as 'en-de'"),
        ({"default": {"length": {"min": 5, "max": 3}}}, "min 5 is more than max 3"),
        ({"default": {"transforms": ["nfd"]}}, "Input should be 'c1', 'nfc'"),
        ({"default": {"language": {"identifier": "cld3"}}}, "Input should be 'py3langid'"),
    ],
)
def test_mistakes(document: object, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        given(document)


def test_workers_read_what_was_given() -> None:
    """Settings travel to them as JSON, and stand as such in a store."""
    settings = given({"pairs": {"zh_Hans-en": {"length": {"max": 5}}}, "languages": {"zh_Hans": {"urls": False}}})
    assert CleaningSettings.model_validate_json(settings.model_dump_json(exclude_unset=True)) == settings
    assert resolve(settings, "en", "c", ["zh-Hans"]).rules["length"].max == 5


def test_levels_that_do_not_go_together() -> None:
    settings = given({"scripts": {"Latn": {"length": {"min": 600}}}, "corpora": {"c": {"length": {"max": 500}}}})
    assert resolve(settings, "en", "other").rules["length"].min == 600
    with pytest.raises(UserError, match=r"length of language en in corpus 'c': .*min 600 is more than max 500"):
        resolve(settings, "en", "c")


def test_every_rule_has_its_own_name_in_the_settings() -> None:
    assert list(RULES) == [name for name in Level.model_fields if name != "transforms"]
    assert all(rule.name == name and issubclass(rule, Rule) for name, rule in RULES.items())
    assert {cls.name for cls in RULES.values()} == set(RULES)


def test_table_says_where_values_come_from() -> None:
    settings = given({"scripts": {"Hans": {"length": {"max": 300}}}, "corpora": {"c": {"urls": False}}})
    rows = table([resolve(settings, language, "c", []) for language in ("en", "de", "zh-Hans")])
    assert ("length.max", "1050", "built in", "en, de") in rows
    assert ("length.max", "300", "script Hans", "zh-Hans") in rows
    assert ("urls.enabled", "off", "corpus c", "all") in rows
    assert ("transforms", "c1, nfc, blanks", "built in", "all") in rows
    assert len({(row[0], row[3]) for row in rows}) == len(rows)
