"""Each rule's score against its definition, written down a second time for one string."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import ftfy
import numpy as np
import pytest
from ftfy.badness import is_bad
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.cleaning.characters import DAMAGE, letters_of
from data_prep.cleaning.digits import Digits
from data_prep.cleaning.empty import Empty
from data_prep.cleaning.encoding_damage import EncodingDamage, suspects
from data_prep.cleaning.length import Length
from data_prep.cleaning.long_word import LongWord
from data_prep.cleaning.markup import Markup
from data_prep.cleaning.ngrams import N
from data_prep.cleaning.punctuation import Punctuation
from data_prep.cleaning.repeated_characters import RepeatedCharacters
from data_prep.cleaning.repeated_ngrams import RepeatedNgrams
from data_prep.cleaning.rule import CellRule, Rule
from data_prep.cleaning.script import Script
from data_prep.cleaning.texts import Texts
from data_prep.cleaning.urls import Urls
from data_prep.cleaning.words import Words
from mtdeep.language_tables import attested_scripts

quick = settings(max_examples=30, deadline=None)
sentences = st.lists(st.text("ab 1.é漢٣", min_size=1, max_size=40), min_size=1, max_size=4)


def scores(rule: CellRule, *texts: str, language: str = "en") -> list[float]:
    return rule.scores(language, Texts(texts)).tolist()


def kept(rule: CellRule, text: str, language: str = "en") -> bool:
    """Whether a rule keeps one text."""
    return not any(outside.any() for outside in rule.outside(rule.scores(language, Texts([text]))))


def same(found: Sequence[float], expected: Sequence[float]) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, equal_nan=True)


def part(chosen: int, whole: int) -> float:
    return chosen / whole if whole else np.nan


def repeated(text: str) -> float:
    grams = [text[i : i + N] for i in range(len(text) - N + 1)]
    return 1 - len(set(grams)) / len(grams) if len(text) >= 3 * N else np.nan


DEFINITIONS = [
    (Length(), len),
    (Words(), lambda t: len(t.split())),
    (LongWord(), lambda t: max(map(len, t.split()), default=0)),
    (Empty(), lambda t: sum(not c.isspace() for c in t)),
    (Punctuation(), lambda t: part(t.count("."), len(t) - t.count(" "))),
    (Digits(), lambda t: part(t.count("1") + t.count("٣"), len(t) - t.count(" "))),
    (Script(), lambda t: part(sum(c in "abé" for c in t), sum(c in "abé漢" for c in t))),
    (RepeatedCharacters(), lambda t: max(1 if c == " " else len(list(run)) for c, run in groupby(t))),
    (RepeatedNgrams(), repeated),
]


@pytest.mark.parametrize(("rule", "definition"), DEFINITIONS, ids=lambda value: getattr(value, "name", ""))
@given(texts=sentences)
@quick
def test_scores_are_the_definitions(rule: CellRule, definition, texts: list[str]) -> None:  # type: ignore[no-untyped-def]
    same(scores(rule, *texts), [definition(text) for text in texts])


def test_bounds_keep_what_lies_on_them_and_what_is_unchecked() -> None:
    class Any(Rule):
        name = "any"

    low, high = Any(min=1, max=3).outside(np.array([0.5, 1, 2, 3, 3.5, np.nan]))
    assert low.tolist() == [True, False, False, False, False, False]
    assert high.tolist() == [False, False, False, False, True, False]
    assert Any().histogram(np.array([-1, 0.05, 0.07, 0.1, 1, np.nan])).tolist() == [1, 2, 1, *[0] * 17, 1]


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "ja", "th", "lo", "km", "my", "bo", "dz", "yue"])
@pytest.mark.parametrize("rule", [Words(), LongWord()])
def test_scripts_without_words_have_none_to_count(rule: CellRule, language: str) -> None:
    assert np.isnan(scores(rule, "x" * 500, language=language)).all()


@pytest.mark.parametrize(
    ("language", "text", "kept_"),
    [
        ("en", "Hello, Мир", True),
        ("en", "Привет, мир", False),
        ("ru", "Привет, мир", True),
        ("sr-Latn", "Zdravo svete", True),
        ("sr", "Zdravo svete", False),
        ("ja", "これはペンです", True),
        ("ko", "漢字는 한글", True),
        ("zh-Hans", "小偷在 Newport 偷走 $26,750", True),
        ("ar", "١٢٣", True),  # no letters: nothing to say
        ("my", "Il faut bien le faire.", False),
        ("grc", "Βίβλος γενέσεως Ἰησοῦ Χριστοῦ", True),
        ("wal", "Hagee Daawita zarenne", True),
        ("shi", "arra n-tlalit n-yasuɛ lmasiḥ", True),  # the Bible's Tashelhiyt
        ("shi", "السبب نويا يات المبادرة", True),  # NTREX's
        ("shi", "ⵜⴰⵛⵍⵃⵉⵜ", True),
        ("shi", "Привет, мир", False),
        ("shi-Arab", "arra n-tlalit n-yasuɛ lmasiḥ", False),
        ("xal", "Эн герт хойр үүдн бәәнә.", True),
        ("xal", "This house has two doors.", False),
        ("crh", "Büyük evde üç bala ve eki köpek yaşay.", True),
        ("crh", "Буюк къапы ачыкъ, мышыкъ юкълай.", True),
        ("crh-Latn", "Буюк къапы ачыкъ, мышыкъ юкълай.", False),
        ("uz", "Барча одамлар эркин", True),
        ("ku", "هەموو مرۆڤ ئازاد", True),
        ("ota", "Devlet-i Aliyye-i Osmaniyye", True),
        ("hi", "Settings", False),
        ("ckb", "Settings", False),
        ("nah", "Nican mopohua", True),  # nobody has data on it
    ],
)
def test_script(language: str, text: str, kept_: bool) -> None:
    assert kept(Script(), text, language) == kept_


def test_script_has_nothing_to_say_where_nobody_knows_the_scripts() -> None:
    same(scores(Script(), "Nican mopohua", "Слово", language="nah"), [np.nan, np.nan])


def test_every_script_of_the_table_has_letters() -> None:
    assert letters_of(frozenset(script for scripts in attested_scripts().values() for script in scripts)).any()


def test_script_can_be_told_otherwise() -> None:
    assert kept(Script(scripts=("Cyrl", "Latn")), "Zdravo svete", "sr")
    with pytest.raises(ValueError, match="no script of Unicode"):
        Script(scripts=("Cyrillic?",))


@pytest.mark.parametrize("text", ["", " ", "\u200b\u200d", "\ufeff\u00a0", "\u3164", "\x01\u00ad"])
def test_nothing_to_see(text: str) -> None:
    assert not kept(Empty(), text)
    assert kept(Empty(), f"{text}😀")


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("See https://example.org/a?b=c", len("https://example.org/a?b=c") / len("Seehttps://example.org/a?b=c")),
        ("www.example.org", 1.0),
        ("mail me@example.org now", len("me@example.org") / len("mailme@example.orgnow")),
        ("3:2 and @home", 0.0),
    ],
)
def test_urls(text: str, share: float) -> None:
    same(scores(Urls(), text), [share])


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("<b>x</b>", 7 / 8),
        ("a &amp; b", 5 / 7),
        ("{{cite web}}", 1.0),
        ("%(name)s %s", 1.0),
        ("1 < 2 & 3 > 2, 50 % [sic]", 0.0),
    ],
)
def test_markup(text: str, share: float) -> None:
    same(scores(Markup(), text), [share])


def mojibake(text: str, encoding: str) -> str:
    return text.encode("utf-8").decode(encoding, "ignore")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Schön, à la française, «déjà vu», ÀÉÎ", 0),
        ("Príliš žluťoučký kůň úpěl ďábelské ódy", 0),
        ("Привет Ђ, ЁЯ", 0),
        ("\ufffd\x84\x94\ue000", 4),
        ("tab\tand\nline ends\r\n\x85", 0),
    ],
)
def test_damaged_characters(text: str, count: int) -> None:
    assert scores(EncodingDamage(), text) == [count]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Schön für mich", "latin-1"), ("„déjà vu“ — voilà", "cp1252"), ("Привет, мир", "cp1252"), ("ελλάδα", "cp1252")],
)
def test_mojibake_is_damage(text: str, encoding: str) -> None:
    assert kept(EncodingDamage(), text)
    assert not kept(EncodingDamage(), mojibake(text, encoding))


@pytest.mark.parametrize(
    "text",
    [
        "Â zo a yeke ge.",  # Sango
        "MỖI Â LÀ MỘT CHỮ",
        "Se scrie Â sau Î?",
        "jo̱ i̱ Yá\u02c6; Sé\u02c6, do",  # Chinantec: ftfy would make Ethiopic letters of its tones
    ],
)
def test_letters_that_ftfy_takes_for_mojibake(text: str) -> None:
    assert kept(EncodingDamage(), text)


@pytest.mark.parametrize("text", ["le prixÂ : cinq", "Ã propos", "voilÃ  tout", "Â© 2020", "Â zo, le prixÂ : cinq"])
def test_and_what_is_damage_all_the_same(text: str) -> None:
    assert not kept(EncodingDamage(), text)


european = st.text("aeiou zbcdäöüßéèàçñãâÅøæčšžřąłőűŠŽÖÜабвгдЂЖαβγδ„“”«»—’…€£°²", min_size=3, max_size=30)  # noqa: RUF001


@given(european, st.sampled_from(["latin-1", "cp1252", "cp1251", "cp1250", "cp1253", "cp437", "macroman"]))
@settings(max_examples=200, deadline=None)
def test_ftfy_is_asked_about_all_that_it_would_mend(text: str, encoding: str) -> None:
    damaged = Texts([mojibake(text, encoding).replace("\u00a0", " ")])
    if is_bad(damaged[0]) and ftfy.fix_encoding(damaged[0]) != damaged[0] and not damaged.count_class(DAMAGE)[0]:
        assert suspects(damaged) == [0]


def test_a_circle_is_found_and_a_refrain_is_not() -> None:
    assert kept(RepeatedNgrams(), '"No, no, no, no, no, no." he said, and no more of it')
    assert not kept(RepeatedNgrams(), "I want to go home. " * 8)
    assert not kept(RepeatedNgrams(), "哈哈" * 20, "zh-Hans")
