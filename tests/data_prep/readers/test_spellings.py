from __future__ import annotations

import pytest

from data_prep.readers.spellings import Spellings

ASKED = ("en", "pt-BR", "sr", "zh-Hant", "nb", "gsw-x-bern")


@pytest.mark.parametrize(
    ("spelling", "language"),
    [
        ("en", "en"),
        ("EN-us", "en"),
        ("eng_Latn", "en"),
        ("pt_BR", "pt-BR"),
        ("pt", None),
        ("sr-Cyrl-RS", "sr"),
        ("sr-Latn", None),
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh", None),
        ("no", "nb"),
        ("NO-NO", "nb"),
        ("nb-NO", "nb"),
        ("zh-rTW", "zh-Hant"),
        ("pt-rBR", "pt-BR"),
        ("en_XX", "en"),
        ("simple", "en"),  # Wikipedia's English in few words
        ("gsw-BE", "gsw-x-bern"),
        ("x-none", None),
        ("*all*", None),
        ("", None),
        ("e" * 100_000, None),
    ],
)
def test_column(spelling: str, language: str | None) -> None:
    column = Spellings(ASKED).column(spelling)
    assert (None if column is None else ASKED[column]) == language


def test_any_number_of_spellings_takes_bounded_memory() -> None:
    spellings = Spellings(ASKED)
    for i in range(5_000):
        assert spellings.column(f"no-language-{i}") is None
    assert len(spellings._known) < 5_000
