"""Texts that are none, languages without any, splits of which nothing can be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from writing import write

from data_prep.stages.clean import EMPTY, NOTHING_LEFT, ONE

PLAIN = "- {name: odd, reader: plain_text, clean: false, deduplicate: false, splits: {train: {en: a.en, de: a.de}}}"
Check = Callable[..., str]
# What SentencePiece's rules leave nothing of, what is only blanks, and what looks like a symbol of the vocabulary.
NOTHING = ["\u200b", "\x01", "\ufffd", "\x7f", "\u2581", "\u2581 \u2581"]
BLANK = ["", " ", "\u3000", "\u2028", "\u0085", "\u00a0\t"]
TEXT = ["<unk>", "<s>", "</s>", "<pad>", "<bt>", "__de__", "<0x41>", "\u00ad", "\u0301", "\ufe0f", "\ue000", "\uffff"]


def test_texts_that_are_none(prepare, accounts, tmp_path: Path) -> None:
    """Counted for what they are, by the rule of the vocabulary that is given."""
    lines = [*NOTHING, *BLANK, *TEXT]
    write(tmp_path / "a.en", "".join(f"{line}\n" for line in lines))
    write(tmp_path / "a.de", "".join(f"{line or 'ein Wort'}\n" for line in lines))
    done = prepare(tmp_path, PLAIN)
    assert done.code == 0, done
    assert accounts(tmp_path / "store")["odd", "train"]["rows"] == {
        "read": len(lines),
        "kept": len(TEXT),
        "rejected": {NOTHING_LEFT: len(NOTHING), EMPTY: len(BLANK) - 1, ONE: 1},
    }


def test_an_empty_language(prepare, accounts, tmp_path: Path) -> None:
    """In which no row has a sentence: it stays a language of the store, with none."""
    for language, text in {"en": "the dog\nthe man\n", "de": "der Hund\nder Mann\n", "fr": "\n\n"}.items():
        write(tmp_path / f"a.{language}", text)
    done = prepare(tmp_path, PLAIN.replace("de: a.de", "de: a.de, fr: a.fr"))
    assert done.code == 0, done
    account = accounts(tmp_path / "store")["odd", "train"]
    assert account["rows"] == {"read": 2, "kept": 2, "rejected": {}}
    assert account["languages"]["fr"] == {"read": 0, "kept": 0, "rejected": {}}


THREE = PLAIN.replace("de: a.de", "de: a.de, fr: a.fr")


def test_a_language_in_another_encoding(prepare, accounts, tmp_path: Path) -> None:
    """Of three: the rows stay for the others, and what is lost is counted, and warned of as lost rows are."""
    french = [f"la m\xe8re {i}" if i < 27 else f"la dame {i}" for i in range(40)]
    write(tmp_path / "a.fr", "".join(f"{line}\n" for line in french).encode("latin-1"))
    for language, text in {"en": "the mother", "de": "die Mutter"}.items():
        write(tmp_path / f"a.{language}", "".join(f"{text} {i}\n" for i in range(40)))
    done = prepare(tmp_path, THREE)
    assert done.code == 0, done
    account = accounts(tmp_path / "store")["odd", "train"]
    assert account["rows"] == {"read": 40, "kept": 40, "rejected": {}}
    assert account["languages"]["fr"] == {"read": 40, "kept": 13, "rejected": {"invalid UTF-8": 27}}
    unread = (
        "warning: 27 of 40 sentences of fr (67.5 %) of odd, train could not be read: 27 invalid UTF-8; is it in "
        "another encoding?"
    )
    lost = "sentences lost, odd, train: 27 of 120 (22.5 %): 27 invalid UTF-8"
    assert [line for line in done.printed.splitlines() if "UTF-8" in line] == [unread, lost]
    report = json.loads((tmp_path / "store" / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["notes"] == [unread, lost]
    (split,) = report["splits"]
    assert split["steps"] == {"invalid UTF-8": "reading"}
    (source,) = split["sources"]
    assert (source["rejected_texts"], source["aside"]) == ({"fr": {"invalid UTF-8": 27}}, {})
    assert source["samples"]["invalid UTF-8 (fr)"][0] == {"place": "a.fr:1", "excerpt": "la m\\xe8re 0"}
    assert "27 invalid UTF-8 (fr)" in (tmp_path / "store" / "report" / "index.html").read_text(encoding="utf-8")


def test_one_damaged_line_of_three_languages(prepare, tmp_path: Path) -> None:
    for language in ("en", "de", "fr"):
        write(tmp_path / f"a.{language}", "".join(f"{language} {i}\n" for i in range(40)).encode())
    write(tmp_path / "a.fr", b"\0\n" + (tmp_path / "a.fr").read_bytes().partition(b"\n")[2])
    done = prepare(tmp_path, THREE)
    assert "\n1 of 40 sentences of fr (2.5 %) of odd, train could not be read: 1 NUL character\n" in done.printed
    assert "warning" not in done.printed


DAMAGED = "2 rows of split '{}' of corpus 'odd' (2 invalid UTF-8); give other files, or clean them less"


@pytest.mark.parametrize("more", ["", "holdout: {test: 1}, ", "holdout: {test: 0.5}, "])
def test_all_rows_of_training_damaged(prepare, sentence: Check, tmp_path: Path, more: str) -> None:
    write(tmp_path / "a.en", b"\xff\n\xff\n")
    write(tmp_path / "a.de", "der Hund\nder Mann\n")
    found = sentence(prepare(tmp_path, PLAIN.replace("splits:", f"{more}splits:")), tmp_path)
    assert DAMAGED.format("train") in found


def test_all_rows_of_a_scored_split_damaged(prepare, sentence: Check, tmp_path: Path) -> None:
    write(tmp_path / "b.en", b"\xff\n\xff\n")
    for name in ("a.en", "a.de", "b.de"):
        write(tmp_path / name, "der Hund\nder Mann\n")
    found = sentence(prepare(tmp_path, PLAIN.replace("train:", "test: {en: b.en, de: b.de}, train:")), tmp_path)
    assert DAMAGED.format("test") in found


def test_a_sample_counts_what_cannot_be_read(prepare, sentence: Check, tmp_path: Path) -> None:
    write(tmp_path / "a.en", b"\xff\nthe dog sees the man\n\0\n")
    write(tmp_path / "a.de", "der Hund\nder Hund sieht den Mann\nder Mann\n")
    cleaned, rules = PLAIN.replace("clean: false, ", ""), {"default": {"language": {"enabled": False}}}
    done = prepare(tmp_path, cleaned, "--sample", "9", cleaning=rules)
    assert done.code == 0, done
    assert "odd: 3 rows read, " in done.printed
    unread = "warning: 2 of 3 {} of odd could not be read: 1 invalid UTF-8, 1 NUL character; is it in another encoding?"
    assert f"\n{unread.format('rows (66.7 %)')}\n" in done.printed
    assert "odd: 1 rows read, 0 kept" in prepare(tmp_path, cleaned, "--sample", "1", cleaning=rules).printed
    write(tmp_path / "a.fr", b"le chien\n\xff\nun homme\n")
    three = cleaned.replace("de: a.de", "de: a.de, fr: a.fr")
    printed = prepare(tmp_path, three, "--sample", "9", cleaning=rules).printed
    sentences = "sentences of en (66.7 %), 1 of 3 sentences of fr (33.3 %)"
    assert f"\n{unread.format(sentences).replace('1 inv', '2 inv')}\n" in printed
    write(tmp_path / "a.de", "der Hund\n")
    assert "a.en:2: no counterpart" in sentence(prepare(tmp_path, cleaned, "--sample", "9"), tmp_path)
