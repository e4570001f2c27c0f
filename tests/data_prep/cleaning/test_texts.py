from __future__ import annotations

import unicodedata

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.cleaning.characters import DIGIT, PUNCTUATION, SPACE, classes, letters_of
from data_prep.cleaning.ngrams import N, ngrams
from data_prep.cleaning.texts import Texts

sentences = st.lists(st.text("ab \n.é漢😀", max_size=30), max_size=6)
quick = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize(("bit", "categories"), [(PUNCTUATION, ("P", "S")), (DIGIT, ("Nd",))])
def test_classes_are_unicode_categories(bit: int, categories: tuple[str, ...]) -> None:
    """`unicodedata` knows an older Unicode: what it has assigned must be classed equally."""
    characters = [chr(code) for code in range(0x20000)]
    assigned = np.array([unicodedata.category(c) != "Cn" for c in characters])
    expected = np.array([unicodedata.category(c).startswith(categories) for c in characters])
    found = classes()[: len(characters)] & bit != 0
    assert not ((found != expected) & assigned).any()


def test_blanks_are_pythons_but_for_separators_of_files() -> None:
    found = {chr(code) for code in np.flatnonzero(classes() & SPACE)}
    assert found == {chr(code) for code in range(0x3100) if chr(code).isspace()} - set("\x1c\x1d\x1e\x1f")


def test_scripts_of_several_parts_and_unknown_ones() -> None:
    for character in "漢ひカ":
        assert letters_of(frozenset({"Jpan"}))[ord(character)]
    assert not letters_of(frozenset({"Hans"}))[ord("ひ")]
    assert not letters_of(frozenset({"Latn"}))[ord("1")]
    with pytest.raises(ValueError, match="no script of Unicode"):
        letters_of(frozenset({"Xyzz"}))


@given(sentences)
@quick
def test_positions_are_those_of_the_strings(lines: list[str]) -> None:
    texts = Texts(lines)
    for line, start, length in zip(lines, texts.starts.tolist(), texts.lengths.tolist()):
        assert texts.joined[start : start + length] == line
        assert "".join(map(chr, texts.codes[start : start + length])) == line


@given(sentences)
@quick
def test_counts_are_those_of_every_text_alone(lines: list[str]) -> None:
    texts = Texts(lines)
    assert texts.count_class(SPACE).tolist() == [sum(c.isspace() for c in line) for line in lines]
    chosen = texts.codes == ord("a")
    runs = [max(map(len, regex.findall("a+", line)), default=0) for line in lines]
    assert texts.longest_run(chosen).tolist() == runs
    assert texts.containing("a", "é") == [i for i, line in enumerate(lines) if "a" in line or "é" in line]


@given(sentences, st.data())
@quick
def test_gaps_are_made_where_asked(lines: list[str], data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines)))
    found = Texts(lines).where(np.array(kept, bool))
    assert list(found) == [line if keep else "" for line, keep in zip(lines, kept)]


@given(st.lists(st.text("abc", max_size=24), max_size=5))
@quick
def test_ngrams_are_equal_where_the_characters_are(lines: list[str]) -> None:
    owners, hashes = ngrams(Texts(lines))
    grams = [(i, line[j : j + N]) for i, line in enumerate(lines) for j in range(len(line) - N + 1)]
    assert owners.tolist() == [i for i, _ in grams]
    assert len(set(hashes.tolist())) == len({gram for _, gram in grams})
