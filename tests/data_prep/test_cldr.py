from __future__ import annotations

import re

import pytest
from babel import Locale, localedata

from data_prep.readers.cldr import generate
from data_prep.readers.cldr.generate import Renderer, without_numbers
from data_prep.readers.cldr.inventory import CURRENCIES, ENTITIES, LANGUAGES, SCRIPTS, TERRITORIES, UNITS, ZONES
from data_prep.readers.cldr.locale_text import LocaleText, tidy
from data_prep.readers.cldr.phrases import PhraseMaker, kind_of, split_pairs
from data_prep.readers.cldr.templates import TEMPLATES, parse_template
from mtdeep.errors import UserError
from mtdeep.languages import resolve

DEMO = ("en", "de", "fr", "es", "ru", "el", "ar", "hi", "ja", "ko", "zh-Hans", "tr")
LINES = {"train": 700, "valid": 30, "test": 40}
PARSED = [parse_template(notation) for notation in TEMPLATES]


@pytest.fixture(scope="module")
def tables() -> dict[str, list[tuple[str, ...]]]:
    made = generate("phrases", DEMO, LINES, seed=3, entities=30)
    return {phrases.split: list(phrases.rows) for phrases in made}


def test_rows_are_those_asked_for_and_aligned(tables: dict[str, list[tuple[str, ...]]]) -> None:
    assert {split: len(rows) for split, rows in tables.items()} == LINES
    # A row is one phrase: what it says in digits is (nearly) the same everywhere, and each language says it itself.
    for row in tables["test"]:
        assert all(row)
        assert len(set(row)) > 6
    english = [row[0] for row in tables["train"]]
    known = {"Japan, April 9, 2006": "Japon, 9 avril 2006", "France": "France"}
    french = [row[2] for row in tables["train"]]
    for en, fr in known.items():
        assert en not in english or french[english.index(en)] == fr


def test_equal_seeds_give_equal_rows(tables: dict[str, list[tuple[str, ...]]]) -> None:
    again = generate("phrases", DEMO, LINES, seed=3, entities=30)
    assert {phrases.split: list(phrases.rows) for phrases in again} == tables
    (other,) = generate("phrases", DEMO, {"train": 20}, seed=4, entities=30)
    assert other.rows != tables["train"][:20]


def test_a_subset_of_languages_has_the_same_texts() -> None:
    few = generate("phrases", ("de", "ja"), {"train": 50}, seed=3, entities=30)[0]
    many = generate("phrases", DEMO, {"train": 50}, seed=3, entities=30)[0]
    assert [row[1] for row in few.rows] == [row[DEMO.index("ja")] for row in many.rows]


def test_no_held_out_line_is_in_training_in_any_language(tables: dict[str, list[tuple[str, ...]]]) -> None:
    for i in range(len(DEMO)):
        sides = {split: [without_numbers(row[i]) for row in rows if row[i]] for split, rows in tables.items()}
        for split in ("valid", "test"):
            assert not set(sides[split]) & set(sides["train"])
            assert len(set(sides[split])) == len(sides[split])  # deduplicated
        assert not set(sides["valid"]) & set(sides["test"])


@pytest.mark.parametrize("limit", [5, 48, None])
def test_held_out_phrases_are_new_combinations_of_known_things(limit: int | None) -> None:
    pool = split_pairs(PARSED, ["train", "valid", "test"], limit, seed=1)
    phrases = {}
    for split in ("train", "valid", "test"):
        maker = PhraseMaker(PARSED, pool, split, seed=1)
        drawn = [maker.draw() for _ in range(2000)]
        phrases[split] = [phrase for phrase in drawn if phrase is not None]

    def pairs(split: str) -> list[set[tuple[int, str, str]]]:
        return [
            {(p.template, part, e) for part, (e, _) in zip(PARSED[p.template].parts, p.values, strict=True) if e}
            for p in phrases[split]
        ]

    # The pool, not the sample, says what training may show: the guarantee holds for any number of lines.
    shown = {(t, part, e) for (t, part, split), entities in pool.items() if split == "train" for e in entities}
    in_training = {(kind_of(part), e) for _, part, e in shown}
    for split, other in (("valid", "test"), ("test", "valid")):
        own = {(t, part, e) for (t, part, name), entities in pool.items() if name == split for e in entities}
        assert not own & shown
        assert not own & {(t, p, e) for (t, p, name), entities in pool.items() if name == other for e in entities}
        for phrase in pairs(split):
            new = phrase - shown
            assert new and new <= own
            assert all((kind_of(part), e) in in_training for _, part, e in new)  # known from other templates
        assert all(pool[t, part, "train"] for t, part, _ in own)  # the template is known with other entities
    assert all(phrase <= shown for phrase in pairs("train"))


def test_phrases_are_several_words_long_and_varied(tables: dict[str, list[tuple[str, ...]]]) -> None:
    words = [len(row[0].split()) for rows in tables.values() for row in rows]
    assert 4 <= sum(words) / len(words) <= 12
    shapes = {without_numbers(row[0]) for row in tables["train"]}
    assert len(shapes) > 0.8 * len(tables["train"])


def test_more_than_100_languages_have_nearly_everything() -> None:
    pool = split_pairs(PARSED, ["train"], None, seed=1)
    maker = PhraseMaker(PARSED, pool, "train", seed=1)
    phrases = [phrase for phrase in (maker.draw() for _ in range(120)) if phrase is not None]
    covered = set()
    for identifier in localedata.locale_identifiers():
        try:
            language = resolve(identifier)
            if len(identifier.split("_")) > 2 or re.search(r"_[A-Z0-9]{2,3}$", identifier) or language in covered:
                continue
            renderer = Renderer(language, PARSED)
        except UserError:
            continue
        if sum(map(bool, map(renderer.render, phrases))) > 0.95 * len(phrases):
            covered.add(language)
    assert len(covered) >= 100, sorted(covered)
    assert set(DEMO) <= covered


@pytest.mark.parametrize("language", DEMO[1:])
def test_names_are_the_locale_s_own(language: str) -> None:
    text = LocaleText(language)
    locale, english = Locale.parse(language, sep="-"), Locale("en")
    for section, codes in (("territories", TERRITORIES), ("languages", LANGUAGES), ("scripts", SCRIPTS)):
        for code in codes:
            name = text.own(section, code)
            assert name is None or name == getattr(locale, section)[code]
    different = [text.own("languages", c) != english.languages[c] for c in LANGUAGES]
    assert sum(different) > 0.6 * len(LANGUAGES)


def test_every_code_of_the_inventory_exists_in_english() -> None:
    text = LocaleText("en")
    assert [c for c in TERRITORIES if text.own("territories", c) is None] == []
    assert [c for c in LANGUAGES if text.own("languages", c) is None] == []
    assert [c for c in SCRIPTS if text.own("scripts", c) is None] == []
    assert [c for c in CURRENCIES if text.own("currency_names", c) is None] == []
    assert [c for c in UNITS if text.quantity(c, (2,)) is None] == []
    assert [c for c in ZONES if text.zone(c) is None] == []
    for codes in ENTITIES.values():
        assert len(set(codes)) == len(codes)


def test_what_a_locale_lacks_is_a_gap_and_not_english_or_a_code() -> None:
    text = LocaleText("sn")  # Shona: names of territories, months and days, but no units
    assert text.own("months", "format", "wide") is not None
    assert text.own("territories", "JP") is not None
    assert text.quantity("area-hectare", (3,)) is None
    assert text.zone("Europe_Central") is None
    assert text.amount("GEL", (3,)) is None
    assert text.relative("day", (3,)) is None
    assert text.items("or", ["A", "B"]) is None
    (phrases,) = generate("phrases", ("en", "de", "sn"), {"train": 80}, seed=1)
    assert [row[2] for row in phrases.rows].count("") > 20


def test_reading_the_root_locale_does_not_change_babel() -> None:
    LocaleText("de")
    assert Locale("ru").days["stand-alone"]["wide"][0] == "понедельник"  # an alias within root, resolved per locale
    assert LocaleText("ru").weekday("0") == "понедельник"


@pytest.mark.parametrize("language", ["ht", "nn", "hi-Latn", "got", "rw-Latn"])
def test_languages_without_data_of_their_own_are_refused(language: str) -> None:
    with pytest.raises(UserError, match=f"no locale data.*'{language}'"):
        LocaleText(language)


# Written down from CLDR's charts (version 48), not from this code.
@pytest.mark.parametrize(
    ("language", "part", "entity", "number", "expected"),
    [
        ("en", "quantity", "length-kilometer", (2,), "2 kilometers"),
        ("ru", "quantity", "length-kilometer", (21,), "21 километр"),
        ("ru", "quantity", "length-kilometer", (22,), "22 километра"),
        ("ru", "quantity", "length-kilometer", (25,), "25 километров"),
        ("ar", "relative", "day", (3,), "خلال 3 أيام"),
        ("fr", "relative", "hour", (-2,), "il y a 2 heures"),
        ("de", "date_long", "", (2021, 3, 4), "4. März 2021"),
        ("ja", "date_full", "3", (2021, 3, 4), "2021年3月4日木曜日"),
        ("el", "amount", "USD", (5,), "5 δολάρια ΗΠΑ"),
        ("tr", "percent", "", (45,), "%45"),
        ("es", "price", "mass-kilogram", (1, 3), "3 euros por kilogramo"),
        ("zh-Hans", "territory", "JP", (), "日本"),
        ("ko", "weekday", "2", (), "수요일"),
        ("hi", "zone", "India", (), "भारतीय मानक समय"),
    ],
)
def test_known_texts(language: str, part: str, entity: str, number: tuple[int, ...], expected: str) -> None:
    assert tidy(LocaleText(language).parts[part](entity, number) or "") == expected


def test_too_many_lines_for_the_inventory() -> None:
    with pytest.raises(UserError, match=r"only \d+ distinct phrases found for split 'test', 5000 asked"):
        generate("phrases", ("en", "de"), {"train": 10, "test": 5000}, seed=1, entities=5)
