"""What is shown of any text, and of numbers."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from data_prep.report.numbers import counted, percent, plain
from data_prep.report.visible import SHOWN, cut, visible


@given(st.text(st.characters()))
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = visible(text)
    assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs", "Co", "Cn")]
    assert {char for char in shown if unicodedata.category(char) == "Cf"} <= {"\u200c", "\u200d"}
    assert visible(shown) == shown


def test_ordinary_text_stays() -> None:
    for text in ("Zwölf Boxkämpfer", "نمی\u200cکنم", "क्\u200dष", "中文\u3000字", "a\u00a0b", "👍🏽"):
        assert visible(text) == text
    assert visible("a\u202eb\n") == "a[U+202E]b[U+000A]"


def test_long_text_is_cut() -> None:
    assert cut("a" * SHOWN) == "a" * SHOWN
    assert cut("a" * (SHOWN + 1)) == "a" * SHOWN + "…"


def test_plain_numbers() -> None:
    assert [plain(value) for value in (None, 1234567, 0.12345, 12345.6)] == ["-", "1,234,567", "0.123", "12,346"]


def test_counts_with_their_nouns_and_shares() -> None:
    assert [counted(n, "row") for n in (0, 1, 1200)] == ["0 rows", "1 row", "1,200 rows"]
    assert counted(2, "corpus") == "2 corpora"
    assert [percent(share) for share in (0.1664, 1, 0.00052)] == ["16.6 %", "100 %", "0.052 %"]
