from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.cleaning.characters import CODE_POINTS
from data_prep.cleaning.copies import Copies
from data_prep.cleaning.length_factors import factor_of, length_factors
from data_prep.cleaning.length_ratio import LengthRatio
from data_prep.cleaning.ngrams import N
from data_prep.cleaning.numbers import Numbers
from data_prep.cleaning.related import family
from data_prep.cleaning.rule import RowRule, references
from data_prep.cleaning.texts import Texts

quick = settings(max_examples=40, deadline=None)
LONG = "Every sentence of this length could be a copy of another one."
OTHER = "Jeder Satz von dieser Länge könnte die Abschrift eines anderen sein."


def scores(rule: RowRule, **columns: Sequence[str]) -> dict[str, list[float]]:
    """Scores by language; an underscore in a keyword stands for a hyphen."""
    texts = {code.replace("_", "-"): Texts(column) for code, column in columns.items()}
    found = type(rule).row_scores(dict.fromkeys(texts, rule), texts)
    return {code: column.tolist() for code, column in found.items()}


@given(st.lists(st.lists(st.floats(0, 9) | st.just(np.nan), min_size=4, max_size=4), min_size=1, max_size=7))
@quick
def test_references_are_the_other_one_or_the_median(columns: list[list[float]]) -> None:
    stack = np.array(columns)
    found = references(stack)
    for row in range(stack.shape[1]):
        there = stack[~np.isnan(stack[:, row]), row]
        for i, value in enumerate(stack[:, row]):
            if np.isnan(value) or len(there) < 2:
                expected = np.nan
            else:
                expected = there.sum() - value if len(there) == 2 else np.median(there)
            np.testing.assert_allclose(found[i, row], expected, atol=1e-12)


def test_length_ratio_of_a_pair_by_hand() -> None:
    rule = LengthRatio(factor=2, smoothing=10)
    found = scores(rule, en=["x" * 10, "x", ""], de=["x" * 40, "", ""])
    np.testing.assert_allclose(found["en"], [90 / 30, np.nan, np.nan])
    np.testing.assert_allclose(found["de"], found["en"])


def test_length_ratio_names_the_cell_that_differs() -> None:
    rule = LengthRatio(factor=1, smoothing=0)
    found = scores(rule, en=["x" * 30], de=["x" * 31], fr=["x" * 33], cs=["x" * 120])
    assert found["cs"][0] == pytest.approx(120 / 32)
    assert max(found[code][0] for code in ("en", "de", "fr")) < 1.1


def test_short_phrases_are_kept_and_languages_are_comparable() -> None:
    found = scores(LengthRatio(), en=["OK", LONG], de=["In Ordnung", OTHER])
    assert max(found["en"]) < 1.5
    same = "这种长度的每个句子都可能是另一个句子的副本。"
    assert scores(LengthRatio(), en=[LONG], zh_Hans=[same])["en"][0] < 1.3
    assert scores(LengthRatio(factor=1), en=[LONG], zh_Hans=[same])["en"][0] > 1.9


def test_factors_are_medians_over_common_rows() -> None:
    columns = {"en": ["xxxx", "xxxx", "xx", ""], "de": ["xx", "xxxxxxxx", "x", "x"], "fr": ["", "", "", "x"]}
    assert length_factors(columns, "en") == {"en": (1.0, 3), "de": (2.0, 3)}


def test_factors_of_languages_in_the_table_and_of_others() -> None:
    assert factor_of("en") == 1
    assert 2.5 < factor_of("zh-Hans") < 3.5
    assert factor_of("bar") == pytest.approx(0.9, abs=0.1)  # in no table: Latin script
    assert factor_of("ii") == 1  # nor is its script


def test_numbers_by_hand() -> None:
    found = scores(
        Numbers(),
        en=["5,000.5 in 1987", "no digits", "3 of 4", "page 12"],
        ar=["٥٠٠٠٫٥ في ١٩٨٧", "لا", "ثلاثة من ٤", "صفحة"],  # noqa: RUF001
    )
    np.testing.assert_allclose(found["en"], [1, np.nan, 2 / 3, 0])
    np.testing.assert_allclose(found["ar"], found["en"])


def test_numbers_of_a_row_are_compared_with_the_median() -> None:
    found = scores(Numbers(), en=["1 2"], de=["1 2"], fr=["2 1"], cs=["7"])
    assert [found[code][0] for code in ("en", "de", "fr", "cs")] == [1, 1, 1, 0]


def test_digits_have_the_values_of_unicode() -> None:
    digits = [c for c in map(chr, range(CODE_POINTS)) if unicodedata.category(c) == "Nd"]
    for value in range(1, 10):
        ours = [c for c in digits if unicodedata.decimal(c) == value]
        found = scores(Numbers(), en=ours, de=[str(value)] * len(ours))
        assert found["en"] == [1.0] * len(ours)


def test_numbers_are_off_by_default() -> None:
    assert not Numbers().enabled


def test_copies_in_pairs_and_rows() -> None:
    found = scores(Copies(), en=[LONG, LONG, LONG, "OK"], de=[OTHER, LONG, "", "OK"])
    np.testing.assert_allclose(found["en"], [0, 1, 0, np.nan])
    np.testing.assert_allclose(found["de"], [0, 1, np.nan, np.nan])
    found = scores(Copies(), en=[LONG], de=[OTHER], fr=[LONG], sw=["Kila sentensi ya urefu huu inaweza kuwa nakala."])
    assert [found[code][0] for code in ("en", "de", "fr", "sw")] == [0, 0, 1, 0]


def test_of_copies_in_a_row_the_language_named_first_stays() -> None:
    """Of two sentences both go, though the corpus has more languages."""
    found = scores(Copies(), en=[LONG, "", LONG], pt=[LONG, LONG, LONG], de=[OTHER, OTHER, ""], cs=[OTHER, LONG, ""])
    assert [found[code][0] for code in ("en", "pt", "de", "cs")] == [0, 1, 0, 1]
    assert [found[code][1] for code in ("pt", "de", "cs")] == [0, 0, 1]
    assert [found[code][2] for code in ("en", "pt")] == [1, 1]


def test_what_relatives_share_is_no_copy() -> None:
    assert family("nb") == family("nn") != family("sv")
    assert family("zh-Hans") == family("zh-Hant") == family("yue")
    assert family("pt-BR") == family("pt") != family("gl")
    found = scores(Copies(), nb=[LONG, LONG], en=["", LONG], nn=[LONG, LONG])
    assert [found[code][0] for code in ("nb", "nn")] == [0, 0]
    assert [found[code][1] for code in ("nb", "en", "nn")] == [0, 1, 1]  # nn as a copy of en


HALVES = ("The first half stands in one other text,", " and the second half stands in another one.")


def test_what_several_languages_have_together_is_no_copy() -> None:
    """A sentence is a copy of one other, which is shown beside it, and not of a relative."""
    whole = "".join(HALVES)
    columns = {"fr": [HALVES[0] + " plus tard."], "cs": ["Na konci" + HALVES[1]], "en": [whole], "de": [whole]}
    found = scores(Copies(), **columns)
    assert [found[code][0] > 0.9 for code in columns] == [False, False, False, True]
    assert 0.4 < found["en"][0] < 0.6
    row = {code: column[0] for code, column in columns.items()}
    assert Copies().seen_beside("de", row) == "en"
    assert Copies().seen_beside("en", row) == "cs"  # none is out of bounds: the half that is longer
    relatives = {"nb": [whole], "da": [whole], "nn": [HALVES[0]], "en": ["Another sentence that is as long as those."]}
    assert [found[0] for found in scores(Copies(), **relatives).values()] == [0, 0, 0, 0]


def test_short_texts_stay_unchecked_beside_copies() -> None:
    found = scores(Copies(), en=[LONG], de=[LONG], fr=["OK"], cs=[OTHER])
    np.testing.assert_allclose([found[code][0] for code in ("en", "de", "fr", "cs")], [0, 1, np.nan, 0])


words = st.lists(st.sampled_from("time year people way day man thing woman life child world".split()), max_size=9)


@given(rows=st.lists(st.tuples(words, words, words), min_size=1, max_size=4), two=st.booleans())
@quick
def test_shares_of_copied_ngrams(rows: list[tuple[list[str], ...]], two: bool) -> None:
    """Where the score is not 0, for want of a common MinHash, it is the share of n-grams in the other language."""
    languages = ("en", "de") if two else ("en", "de", "sw")  # a row of these may have two sentences as well
    columns = {code: [" ".join(row[i]) for row in rows] for i, code in enumerate(languages)}
    found = scores(Copies(), **columns)
    for code, column in columns.items():
        for row, text in enumerate(column):
            of_two = sum(bool(other[row]) for other in columns.values()) == 2
            first = languages.index(code)
            others = [columns[other][row] for i, other in enumerate(languages) if i < first or (of_two and i > first)]
            grams = [text[i : i + N] for i in range(len(text) - N + 1)]
            shares = [sum(gram in other for gram in grams) / max(len(grams), 1) for other in others]
            share = next((one for one in shares if one > 0.9), max(shares, default=0.0))
            if len(text) < 3 * N:
                assert np.isnan(found[code][row])
            elif two and found[code][row] != 0:
                assert found[code][row] == pytest.approx(share)
            else:  # no MinHash in common: not compared
                assert any(found[code][row] == pytest.approx(one) for one in (*shares, 0.0))
                assert found[code][row] > 0.9 or text not in others


def test_the_table_was_made_by_its_function() -> None:
    folder = Path(__file__).parents[4] / "shared/data/ntrex128"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/ntrex128")
    columns = {}
    for code in ("eng", "deu", "jpn"):
        with gzip.open(folder / f"{code}.txt.gz", "rt", encoding="utf-8") as stream:
            columns[code] = [line.strip() for line in stream]
    found = length_factors(columns, "eng")
    assert factor_of("de") == pytest.approx(found["deu"][0], abs=5e-4)
    assert factor_of("ja") == pytest.approx(found["jpn"][0], abs=5e-4)
