from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from data_prep.cleaning import language as language_rule
from data_prep.cleaning.identifiers import identifier
from data_prep.cleaning.language import Language, expected, strangers, unlearned_letters
from data_prep.cleaning.naive_bayes import NaiveBayes, naive_bayes
from data_prep.cleaning.texts import Texts
from mtdeep.errors import UserError
from mtdeep.languages import resolve

LISTS = Path(__file__).parents[2] / "language_codes"
ENGLISH = "The committee will meet again on Thursday to discuss the budget."
GERMAN = "Der Ausschuss wird am Donnerstag erneut über den Haushalt beraten."
DANISH = "Udvalget mødes igen på torsdag for at drøfte budgettet for næste år."
RUSSIAN = "Комитет снова соберется в четверг, чтобы обсудить бюджет."
EGYPTIAN = "انا عايز اروح البيت دلوقتي عشان تعبان اوي ومش قادر اقف على رجلي"
ARABIC = "سيجتمع المجلس مرة أخرى يوم الخميس لمناقشة الميزانية الجديدة للعام المقبل"
CRIMEAN_TATAR = "Büyük evde üç bala ve eki köpek yaşay, olar er kün mektepke kete."
IN_CYRILLIC = {
    "crh": "Буюк къапы ачыкъ, мышыкъ юкълай. Ярын озен янына барырмыз.",
    "uz": "Барча одамлар эркин, қадр-қиммат ва ҳуқуқларда тенг бўлиб туғиладилар.",
    "az": "Бүтүн инсанлар ләјагәт вә һүгугларына ҝөрә азад вә бәрабәр доғулурлар.",
    "tk": "Хемме адамлар өз мертебеси ве хукуклары бойунча дең ягдайда дүнйә инйәрлер.",
}
KURDISH_IN_ARABIC = "هەموو مرۆڤ ئازاد و د وەقار و مافان دە وەکهەڤ تێن دنیایێ"
UZBEK_IN_ARABIC = "برچه آدملر ایرکین، قدر قیمت و حقوقلرده تینگ بولیب توغیله‌دیلر"
KHMER = "គណៈកម្មាធិការនឹងជួបប្រជុំម្តងទៀតនៅថ្ងៃព្រហស្បតិ៍ដើម្បីពិភាក្សាអំពីថវិកា"


@pytest.fixture(scope="module")
def ours() -> NaiveBayes:
    return naive_bayes()


@pytest.fixture(scope="module")
def theirs() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@pytest.fixture
def fresh() -> Iterator[None]:
    """Identifiers are made anew before and after: a test puts other modules in their place."""
    cached = (identifier, expected, strangers, unlearned_letters)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


some = st.sampled_from([ENGLISH, GERMAN.upper(), KHMER, "", "1234", "é"]) | st.text(max_size=20)


@given(texts=st.lists(some, max_size=6))
@settings(max_examples=10, deadline=None)
def test_probabilities_are_py3langids(ours: NaiveBayes, theirs: LanguageIdentifier, texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    found = ours.probabilities(texts)
    assert found.shape == (len(texts), len(ours.labels))
    for text, row in zip(texts, found):
        ranked = dict(theirs.rank(text))
        np.testing.assert_allclose(row, [ranked[label] for label in ours.labels], atol=2e-5)


def score(language: str, text: str, **changes: object) -> float:
    return float(Language.model_validate(changes).scores(language, Texts([text]))[0])


@pytest.mark.parametrize(("language", "text"), [("en", ENGLISH), ("de", GERMAN), ("da", DANISH), ("km", KHMER)])
def test_the_expected_language_is_likely_and_others_are_not(language: str, text: str) -> None:
    assert score(language, text) > 0.5
    for other in {"en", "de", "fr", "km", "zh-Hans"} - {language}:
        assert score(other, text) < 0.05


def test_relatives_count_as_expected() -> None:
    assert score("nb", DANISH) > 0.5
    assert score("en-GB", ENGLISH) == score("en", ENGLISH)


@pytest.mark.parametrize("language", ["ar", "arz", "ary"])
def test_dialects_that_the_identifier_knows_by_themselves(language: str) -> None:
    assert score(language, EGYPTIAN) > 0.5
    assert score(language, ARABIC) > 0.5
    assert score("fa", EGYPTIAN) < 0.02


def test_no_label_of_a_relative_is_a_rejection(
    macrolanguages: Sequence[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    """Of every column of the public corpora, whatever label of the same macrolanguage the identifier is sure of."""
    labels = sorted(identifier("py3langid").languages)
    sure = SimpleNamespace(
        languages=frozenset(labels),
        probabilities=lambda texts, groups: np.array(
            [[float(label in group) for label in labels[: len(texts)]] for group in groups]
        ),
    )
    monkeypatch.setattr(language_rule, "identifier", lambda name, model: sure)
    of_one = {frozenset({resolve(one), resolve(other)}) for one, other in macrolanguages}
    siblings: dict[str, set[str]] = {}
    for language, macrolanguage in macrolanguages:
        siblings.setdefault(macrolanguage, set()).add(resolve(language))
    of_one |= {frozenset(pair) for every in siblings.values() for pair in combinations(every, 2)}
    # In letters that none of them is in, and in those that some are in and the identifier has learned others of.
    alphabets = [Texts([letters * 40] * len(labels)) for letters in ("ᏣᎳᎩ", "абвгде", "ابتثجح", "abcdef", "अआकख")]
    compared = 0
    lists = [(LISTS / f"{name}.txt").read_text(encoding="utf-8") for name in ("flores_200", "nllb_seed", "ntrex_128")]
    for code in map(resolve, " ".join(lists).split()):
        scores = [Language().scores(code, texts) for texts in alphabets]  # one for each label
        for label, *of_label in zip(labels, *scores):
            base = {language.split("-")[0] for language in (code, label)}
            if len(base) == 1 or frozenset(base) in of_one:
                compared += 1
                assert not any(score < 0.02 for score in of_label), (code, label)
    assert compared > 150


@pytest.mark.parametrize(
    ("language", "text"),
    [
        *IN_CYRILLIC.items(),
        ("crh", CRIMEAN_TATAR),
        ("crh-Latn", CRIMEAN_TATAR),
        ("ku", KURDISH_IN_ARABIC),
        ("uz", UZBEK_IN_ARABIC),
    ],
)
def test_a_language_in_another_of_its_scripts_stays(language: str, text: str) -> None:
    """Whether the identifier has learned it there (Uzbek), or knows relatives alone."""
    assert score(language, text) > 0.5


@pytest.mark.parametrize(
    ("language", "text"),
    [("ky", ENGLISH), ("tg", ENGLISH), ("tg", DANISH), ("ug", RUSSIAN), ("az", RUSSIAN), ("uz", RUSSIAN)],
)
def test_another_language_in_another_of_its_scripts_goes(language: str, text: str) -> None:
    assert score(language, text) < 0.02


def test_a_script_in_which_nothing_is_known_is_unchecked() -> None:
    """Mongolian's own letters: an identifier that has learned none of it in them says whatever comes."""
    assert np.isnan(score("mn", "ᠬᠦᠮᠦᠨ ᠪᠦᠷ ᠲᠥᠷᠥᠵᠦ ᠮᠡᠨᠳᠡᠯᠡᠬᠦ ᠡᠷᠬᠡ ᠴᠢᠯᠥᠭᠡ ᠲᠡᠢ"))
    assert score("mn", ENGLISH) < 0.02


@pytest.mark.parametrize("language", ["bo", "ti", "gsw-x-bern", "kk-Arab", "ru-Latn", "tlh"])
def test_languages_that_the_identifier_does_not_know_are_unchecked(language: str) -> None:
    assert np.isnan(score(language, ENGLISH))
    assert np.isnan(score(language, KHMER))


def test_short_texts_are_unchecked() -> None:
    assert np.isnan(score("fr", "In Ordnung, 12.5.2020, 1234567890"))
    assert score("fr", "In Ordnung", letters=5) < 0.05
    assert not np.isnan(score("zh-Hans", "委员会将再次开会讨论"))


@pytest.mark.parametrize("name", ["lingua", "heliport", "fasttext"])
def test_what_is_not_installed_says_how(name: str, monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=rf"{name} is not installed; pip install \w+"):
        identifier(name, "lid.bin" if name == "fasttext" else None)  # type: ignore[arg-type]


def test_fasttext_needs_a_model_and_nobody_else_takes_one(fresh: None) -> None:
    with pytest.raises(UserError, match="needs `model`"):
        identifier("fasttext")
    with pytest.raises(UserError, match="takes no `model`"):
        identifier("py3langid", "lid.bin")


class FakeFastText:
    """What fasttext-predict 0.9.2.4 answers, for any text."""

    def predict(self, text: str, k: int) -> tuple[tuple[str, ...], tuple[float, ...]]:
        assert k == -1
        assert "\n" not in text
        labels = ("__label__dan_Latn", "__label__nob_Latn", "__label__zzzz", "__label__eng_Latn")
        return labels, (0.6, 0.3, 0.1, 0.0)


class FakeHeliport:
    """What heliport 1.0.1 answers: the smaller a score, the likelier."""

    def get_confidence_all(self) -> dict[str, float]:
        return {"dan": 0.1, "nob": 0.1, "eng": 0.2, "msaind": 0.1, "uzn": 0.1, "fini": 0.1}

    def identify_topk_with_score(self, text: str, k: int) -> Sequence[tuple[str, float]]:
        return [("dan", 2.0), ("nob", 3.0), ("eng", 4.0)]


class FakeLingua:
    """What lingua 2.1.1 answers."""

    def __init__(self) -> None:
        codes = {"DA": SimpleNamespace(name="DA"), "NB": SimpleNamespace(name="NB"), "EN": SimpleNamespace(name="EN")}
        known = [SimpleNamespace(iso_code_639_1=code) for code in codes.values()]
        hashable = [type("Language", (), {"iso_code_639_1": one.iso_code_639_1})() for one in known]
        values = [SimpleNamespace(language=one, value=p) for one, p in zip(hashable, (0.6, 0.3, 0.1))]
        detector = SimpleNamespace(compute_language_confidence_values=lambda text: values)
        builder = SimpleNamespace(build=lambda: detector)
        self.Language = SimpleNamespace(all=lambda: hashable)
        self.LanguageDetectorBuilder = SimpleNamespace(from_all_languages=lambda: builder)


@pytest.mark.parametrize(
    ("name", "module", "danish", "english"),
    [
        ("fasttext", SimpleNamespace(load_model=lambda path: FakeFastText()), 0.9, 0),
        ("heliport", SimpleNamespace(Identifier=FakeHeliport), 1.1 / 1.11, 0.01 / 1.11),
        ("lingua", FakeLingua(), 0.9, 0.1),
    ],
)
def test_identifiers_of_the_users_own(
    name: str, module: object, danish: float, english: float, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setitem(sys.modules, name, module)
    changes = {"identifier": name, "model": "lid.bin" if name == "fasttext" else None}
    assert score("nb", f"{DANISH}\n", **changes) == pytest.approx(danish)
    assert score("en", DANISH, **changes) == pytest.approx(english)
    assert np.isnan(score("de", GERMAN, **changes))


def test_heliports_labels(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    monkeypatch.setitem(sys.modules, "heliport", SimpleNamespace(Identifier=FakeHeliport))
    assert {"id", "uz-Cyrl"} <= identifier("heliport").languages
    assert expected("heliport", None, "uz") == {"uz-Cyrl"}
    unlearned = unlearned_letters("heliport", None, "uz")
    assert unlearned is not None
    assert [unlearned[ord(letter)] for letter in "o\u043e\u0627"] == [True, False, True]  # Latin, Cyrillic, Arabic
