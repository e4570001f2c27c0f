"""MinHash against Jaccard similarities that are known, and near duplicates that people would call so."""

from __future__ import annotations

import numpy as np
import pytest

from data_prep.duplicates.near import BANDS, PERMUTATIONS, ROWS, SIMILAR, NearIndex, Signatures, shingles

LONG = "The committee said on Tuesday that it would not change the rules of the competition this year"


def test_shingles_are_runs_of_three_words_without_case_and_punctuation() -> None:
    assert shingles("One, two three FOUR five six seven eight.", spaced=True) == [
        "one two three", "two three four", "three four five", "four five six", "five six seven", "six seven eight"
    ]  # fmt: skip
    assert shingles("only seven words are in this sentence", spaced=True) == []


def test_scripts_without_spaces_have_runs_of_five_characters() -> None:
    text = "".join(chr(0x4E00 + i) for i in range(30))
    assert len(shingles(text, spaced=False)) == 26
    assert shingles(text[:29], spaced=False) == []


@pytest.mark.parametrize("shared, total", [(50, 100), (80, 100), (90, 100)])
def test_signatures_agree_as_often_as_shingles_are_shared(shared: int, total: int) -> None:
    """Words in one order, w of the first in both: the shingles' Jaccard similarity is exact, the estimate's is not."""
    words = [f"w{i}" for i in range(2 * total)]
    left, right = words[:total], words[:shared] + words[total : 2 * total - shared]
    both = Signatures.of([" ".join(left), " ".join(right)], spaced=True)
    sets = [set(shingles(" ".join(each), spaced=True)) for each in (left, right)]
    jaccard = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
    agree = (both.values[0] == both.values[1]).mean()
    assert agree == pytest.approx(jaccard, abs=4 * np.sqrt(jaccard * (1 - jaccard) / PERMUTATIONS))


def test_a_band_is_equal_where_all_its_places_are() -> None:
    values = np.arange(2 * PERMUTATIONS, dtype=np.uint32).reshape(2, PERMUTATIONS)
    values[1, : 3 * ROWS] = values[0, : 3 * ROWS]
    values[1, 0] += 1
    bands = Signatures(np.arange(2), values).bands()
    assert (bands[0] == bands[1]).tolist() == [False, True, True, *[False] * (BANDS - 3)]
    assert len(np.unique(bands)) == 2 * BANDS - 2


def test_equal_bands_of_different_numbers_do_not_meet() -> None:
    bands = Signatures(np.arange(1), np.zeros((1, PERMUTATIONS), dtype=np.uint32)).bands()
    assert len(np.unique(bands)) == BANDS


@pytest.mark.parametrize(
    "text, near",
    [
        (LONG, True),
        (LONG.upper() + "!", True),
        (LONG + " indeed", True),
        (LONG.replace("Tuesday", "Monday"), False),  # 3 of 15 shingles: J = 12 / 18
        ("An entirely different sentence about the weather in the north of the country on that day", False),
    ],
)
def test_near_duplicates_are_found(text: str, near: bool) -> None:
    index = NearIndex(Signatures.of(["short", "", LONG], spaced=True))
    found = index.find(Signatures.of(["x", text], spaced=True))
    assert [*zip(found.asked.tolist(), found.known.tolist(), strict=True)] == ([(1, 2)] if near else [])
    assert (found.similarity >= SIMILAR).all()


def test_all_pairs_are_found_once_with_their_similarity() -> None:
    """Equal signatures share every band; the pair is one nevertheless."""
    known = Signatures.of([LONG, LONG + " indeed", "short", LONG], spaced=True)
    asked = Signatures.of(["", LONG], spaced=True)
    found = NearIndex(known).find(asked)
    assert found.asked.tolist() == [1, 1, 1] and found.known.tolist() == [0, 1, 3]
    agree = (known.values[1] == asked.values[0]).mean()
    assert found.similarity.tolist() == [1, agree, 1]


def test_nothing_is_near_to_nothing() -> None:
    empty = Signatures.of([], spaced=True)
    assert NearIndex(empty).find(Signatures.of([LONG], spaced=True)).asked.tolist() == []
    assert NearIndex(Signatures.of([LONG], spaced=True)).find(empty).asked.tolist() == []
