"""What is known of evaluation sets is found in training text, and from where."""

from __future__ import annotations

from data_prep.duplicates.key import sentence_keys
from data_prep.duplicates.leakage import EvaluationIndex, Known, Matches, indexed, searched_together
from data_prep.duplicates.near import SIMILAR, Signatures

FLORES = ["A short one.", "", "It is a much longer sentence that has more than eight words in it today"]
NEWS = ["A SHORT one.", "Another sentence of the news that nobody else has ever written down before now"]
TRAIN = ["a  short one.", "", "Nothing known", NEWS[1], FLORES[2] + " again", "It is a much longer sentence"]


def known(lines: list[str]) -> Known:
    return Known(sentence_keys(lines), Signatures.of(lines, spaced=True))


def match(index: EvaluationIndex, lines: list[str]) -> Matches:
    return index.match(sentence_keys(lines), Signatures.of(lines, spaced=True))


def test_exact_and_near_matches_with_the_first_set_that_has_them() -> None:
    arrays = indexed({0: known(FLORES), 1: known(NEWS)})
    found = match(EvaluationIndex(arrays), TRAIN)
    assert found.sets.tolist() == [0, -1, -1, 1, 0, -1]
    assert found.near.tolist() == [False, False, False, False, True, False]
    sentences = [FLORES[0], NEWS[1], FLORES[2]]
    assert arrays["keys"][found.sentences[[0, 3, 4]]].tolist() == sentence_keys(sentences).tolist()
    assert found.similarity[[0, 3]].tolist() == [1, 1] and SIMILAR <= found.similarity[4] < 1
    assert found.counts(["flores", "news"]) == {"flores": {"exact": 1, "near": 1}, "news": {"exact": 1}}


def test_without_signatures_matches_are_exact() -> None:
    sets = {number: Known(sentence_keys(lines)) for number, lines in enumerate((FLORES, NEWS))}
    index = EvaluationIndex(indexed(sets))
    found = index.match(sentence_keys(TRAIN), None)
    assert found.sets.tolist() == [0, -1, -1, 1, -1, -1] and not found.near.any()
    assert match(index, TRAIN).sets.tolist() == found.sets.tolist()


def test_a_language_without_evaluation_text_has_no_match() -> None:
    found = match(EvaluationIndex(indexed({})), TRAIN)
    assert (found.sets == -1).all()
    assert found.counts([]) == {}


def test_gaps_are_no_matches_of_gaps() -> None:
    index = EvaluationIndex(indexed({0: known(["", "text"])}))
    assert match(index, ["", "text"]).sets.tolist() == [-1, 0]


def test_a_cell_meets_every_sentence_that_it_equals_or_is_near_to() -> None:
    """Sentences are numbered by their keys; the sets' order does not matter, nor how often one is in them."""
    close = FLORES[2] + " indeed"
    index = indexed({0: known([*FLORES, FLORES[2]]), 1: known([*NEWS, close, FLORES[2]])})
    numbers = {text: index["keys"].tolist().index(int(sentence_keys([text])[0])) for text in (FLORES[2], close)}
    met = EvaluationIndex(index).meet(sentence_keys(["", FLORES[2]]), Signatures.of(["", FLORES[2]], spaced=True))
    assert met.cells.tolist() == [1, 1] and met.exact.tolist() == [True, False]
    assert met.sentences.tolist() == [numbers[FLORES[2]], numbers[close]]
    assert met.similarity[0] == 1 and SIMILAR <= met.similarity[1] < 1


def test_the_first_set_is_named_whatever_the_order_of_its_sentences() -> None:
    """Near to a sentence of each of three sets: the lowest number is named, not the first key."""
    lines = [f"{FLORES[2]} {ending}" for ending in ("indeed", "again", "too")]
    index = EvaluationIndex(indexed({number: known([line]) for number, line in enumerate(lines, start=7)}))
    assert match(index, [FLORES[2]]).sets.tolist() == [7]


def test_codes_of_one_language_and_script_are_searched_together() -> None:
    codes = ["en", "en-US", "pt", "pt-BR", "sr", "sr-Latn", "zh-Hans", "zh-Hant", "zh-Hant-HK", "gsw-x-bern", "en"]
    assert searched_together(codes) == {
        "en-Latn": ("en", "en-US"),
        "pt-Latn": ("pt", "pt-BR"),
        "sr-Cyrl": ("sr",),
        "sr-Latn": ("sr-Latn",),
        "zh-Hans": ("zh-Hans",),
        "zh-Hant": ("zh-Hant", "zh-Hant-HK"),
        "gsw-Latn": ("gsw-x-bern",),
    }


def test_a_code_without_a_script_is_searched_together_with_all_that_it_may_be_in() -> None:
    """Those of which corpora use the code (`uz`, not `sr`); of languages that nobody has data on (`nah`) any."""
    groups = [
        ("uz", "uz-Cyrl", "uz-Arab", "uz-AF"),
        *(("az", "az-Cyrl"), ("ku", "ku-Arab"), ("tk", "tk-Cyrl"), ("crh", "crh-Latn"), ("mn", "mn-Mong")),
        *(("sr",), ("sr-Latn", "sr-ME"), ("kk",), ("kk-Arab",), ("nah", "nah-Latn"), ("zh-Hans",), ("zh-Hant",)),
    ]
    assert [*searched_together(code for group in groups for code in group).values()] == groups


def test_old_codes_are_searched_as_what_they_mean_today() -> None:
    assert [*searched_together(("nb", "no-NO", "es", "es-LA", "ar-AR", "ar", "zh-TW", "zh-Hant")).values()] == [
        ("nb", "no-NO"), ("es", "es-LA"), ("ar-AR", "ar"), ("zh-TW", "zh-Hant"),
    ]  # fmt: skip
