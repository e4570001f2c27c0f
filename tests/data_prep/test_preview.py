"""What `mtdeep prepare --sample` prints: what was set, what is removed, and what it does not look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.preview import print_preview

CONFIG = """\
store: store
vocabulary: {size: 500}
cleaning: {default: {length: {min: 3}, language: {enabled: false}}, corpora: {other: {copies: {enabled: false}}}}
corpora:
  - {name: pairs, reader: plain_text, pairs: [en-de, en-fr], splits: {train: "{source}-{target}.{language}"}}
  - {name: other, reader: plain_text, languages: [en, de], splits: {train: "en-de.{language}", test: "t.{language}"}}
  - {name: raw, reader: plain_text, clean: false, languages: [en, de], splits: {train: "t.{language}"}}
"""
LONG = "and another word " * 12


@pytest.fixture
def printed(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines on a terminal of 40 columns, without their style."""
    names = ("dog", "cat", "cow")
    for pair, sees in (("en-de", "der {} ist im Garten"), ("en-fr", "le {} est dans le jardin")):
        english = [f"the {name} is in the garden" for name in names]
        second = [sees.format(name) for name in names]
        if pair == "en-de":
            english[0], second[0] = f"<b><i></i></b><br/><br/><br/> {LONG}", "ein langer Satz \x1b[31m"
        (tmp_path / f"{pair}.en").write_text("\n".join(english) + "\n")
        (tmp_path / f"{pair}.{pair[3:]}").write_text("\n".join(second) + "\n")
    for language in ("en", "de"):
        (tmp_path / f"t.{language}").write_text(f"a test of {language}\n")
    (tmp_path / "config.yaml").write_text(CONFIG)
    monkeypatch.setenv("COLUMNS", "40")
    print_preview(tmp_path / "config.yaml", 10)
    return capsys.readouterr().out.splitlines()


def test_settings_are_those_that_were_set_once_for_equal_ones(printed: list[str]) -> None:
    assert sum("length.min" in line for line in printed) == 2  # of `pairs`, and of `other`, which has one more
    assert sum("copies.enabled" in line for line in printed) == 1
    assert printed.count("settings: those of pairs/en-de") == 1
    assert printed.count("all other settings: built in (docs/cleaning.md)") == 2
    assert len(printed) < 45


def test_an_example_has_its_own_line_and_nothing_in_it_acts(printed: list[str]) -> None:
    (at, *_) = [i for i, line in enumerate(printed) if line.strip().endswith(LONG.strip())]
    assert "1 of 3 sentences (33.33%)" in printed[at - 1] and printed[at - 1].startswith("en, ")
    assert printed[at + 1].strip() == "beside de: ein langer Satz [U+001B][31m"


def test_nothing_removed_is_a_sentence(printed: list[str]) -> None:
    assert printed.count("nothing is removed") == 1  # of pairs/en-fr


def test_what_is_no_part_of_it_is_said(printed: list[str]) -> None:
    assert printed[-2].endswith("are not cleaned: other (test), raw (train)")
    assert "repeats" in printed[-1] and "hold-outs" in printed[-1] and "test sets" in printed[-1]
