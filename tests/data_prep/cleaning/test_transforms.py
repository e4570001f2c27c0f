# ruff: noqa: RUF001
from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.cleaning.transforms import Transform, transformed

ODD = "ab e\u0301Å½ﬁ\u00a0\u3000\u200b\ufeff\u00ad\t\n\r\x84\x81\x85\u2028\x1c„“’—–…«"
odd = st.text(ODD, max_size=12)
ALL: tuple[Transform, ...] = ("c1", "nfc", "nfkc", "punctuation", "blanks")


@pytest.mark.parametrize("names", [(), *((name,) for name in ALL), ALL])
@given(texts=st.lists(odd, max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_column_is_transformed_as_each_text_alone(names: tuple[Transform, ...], texts: list[str]) -> None:
    together = transformed(names, texts)
    assert together == [transformed(names, [text])[0] for text in texts]
    assert not any(set(text) & set("\n\r\x85\u2028\x1c") for text in together)


@given(odd)
@settings(max_examples=60, deadline=None)
def test_blanks_are_those_of_split(text: str) -> None:
    plain = text.replace("\ufeff", "").replace("\u00ad", "")
    assert transformed(("blanks",), [text]) == [" ".join(plain.split())]


@given(odd.filter(lambda text: not set(text) & set("\n\r\x85\u2028\x1c")))
@settings(max_examples=40, deadline=None)
def test_normal_forms_are_unicodes(text: str) -> None:
    assert transformed(("nfc",), [text]) == [unicodedata.normalize("NFC", text)]
    assert transformed(("nfkc",), [text]) == [unicodedata.normalize("NFKC", text)]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("„déjà vu“ – ‘x’ … «y»", '"déjà vu" - \'x\' ... "y"'),
        ("so—or so", "so - or so"),
        ("−5 ‹z› `q´", "-5 'z' 'q'"),
        ("ʻokina, mʼa, 「かぎ」，。", "ʻokina, mʼa, 「かぎ」，。"),
    ],
)
def test_punctuation(text: str, plain: str) -> None:
    assert transformed(("punctuation",), [text]) == [plain]


def test_controls_that_were_quotation_marks() -> None:
    assert transformed(("c1",), ["planira \x84ozbiljno\x94", "\x81", "né"]) == ["planira „ozbiljno”", "\x81", "né"]
