from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from data_prep.cleaning.identifiers import identifier
from data_prep.cleaning.language import Language, expected
from data_prep.cleaning.naive_bayes import NaiveBayes, naive_bayes
from data_prep.cleaning.texts import Texts
from mtdeep.errors import UserError

ENGLISH = "The committee will meet again on Thursday to discuss the budget."
GERMAN = "Der Ausschuss wird am Donnerstag erneut über den Haushalt beraten."
DANISH = "Udvalget mødes igen på torsdag for at drøfte budgettet for næste år."
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
    identifier.cache_clear()
    expected.cache_clear()
    yield
    identifier.cache_clear()
    expected.cache_clear()


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
    assert not expected("heliport", None, "uz")
