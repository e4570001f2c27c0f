from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data_prep.readers import opening
from data_prep.readers.lines import split_lines
from data_prep.readers.plain_text import PlainText
from mtdeep.errors import UserError

MARK = b"\xef\xbb\xbf"
PIECES = (b"\n", b"\r\n", b"\r", b"a", b"bc", "ä\u2028".encode(), b"\xff", b"\0", b"long line", MARK)
LONGEST = 8


def expected(content: bytes) -> list[str | None]:
    """The lines by their definition, one at a time; None for a damaged one."""
    lines: list[str | None] = []
    for match in re.finditer(rb"([^\n]*)(\n|\Z)", content.removeprefix(MARK)):
        raw = match[1].removesuffix(b"\r") if match[2] else match[1]
        if not match[1] and not match[2]:
            break
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = "\0"
        lines.append(None if "\0" in text or len(raw) > LONGEST else text)
    return lines


@settings(max_examples=150, deadline=None)
@given(
    mark=st.sampled_from([b"", MARK]),
    pieces=st.lists(st.sampled_from(PIECES), max_size=12),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_lines_are_those_of_the_definition_however_the_bytes_are_cut(
    mark: bytes, pieces: list[bytes], cuts: list[int]
) -> None:
    content = mark + b"".join(pieces)
    assume(b"\n" in content or b"\r" not in content.rstrip(b"\r"))  # one line, or many that are refused
    places = sorted({0, *(cut for cut in cuts if cut < len(content)), len(content)})
    blocks = [content[start:end] for start, end in pairwise(places)]
    found: list[str | None] = []
    offsets = []
    for block in split_lines(iter(blocks), "a", LONGEST):
        lines: list[str | None] = list(block.texts)
        for place, damage in block.damage.items():
            assert lines[place] == ""
            lines[place] = None
            offsets += [int(at) for at in re.findall(r"at byte (\d+) of the text \(0xff\)", damage.detail)]
        found += lines
    assert found == expected(content)
    assert all(content[at : at + 1] == b"\xff" for at in offsets)


def test_what_belongs_to_a_line(read_all, write) -> None:
    kept = "a\u0085b\u2028c\u2029d\x0be\x0cf\x1cg\u00a0\ufeff\rh "
    path = write("a", MARK + f"{kept}\r\n\n{kept}\r".encode())
    assert read_all(PlainText({"en": path})).columns["en"] == [kept, "", kept + "\r"]


def test_pairs_lose_a_damaged_row_and_more_languages_a_cell(read_all, write) -> None:
    contents: dict[str, Sequence[bytes]] = {
        "en": (b"1", b"2", b"\xff", b"4", b"5"),
        "de": (b"a", b"\0", b"c", b"", b"e"),
        "fr": (b"x", b"y", b"z", b"", b"w"),
    }
    files = {code: write(f"a.{code}", b"\n".join(lines)) for code, lines in contents.items()}
    pair = read_all(PlainText({code: files[code] for code in ("en", "de")}))
    assert pair.rows == [("1", "a"), ("4", ""), ("5", "e")]
    assert [(found.reason, found.place, found.excerpt) for found in pair.rejected] == [
        ("NUL character", "a.de:2", "\u2400"),
        ("invalid UTF-8", "a.en:3", "\\xff"),
    ]
    many = read_all(PlainText(files), 2)
    assert many.rows == [("1", "a", "x"), ("2", "", "y"), ("", "c", "z"), ("4", "", ""), ("5", "e", "w")]
    assert not many.rejected
    assert [(found.language, found.reason, found.place, found.excerpt) for found in many.rejected_texts] == [
        ("de", "NUL character", "a.de:2", "\u2400"),
        ("en", "invalid UTF-8", "a.en:3", "\\xff"),
    ]


def test_the_texts_of_a_rejected_row_are_not_rejected_again(read_all, write) -> None:
    files = {code: write(f"a.{code}", b"1\n\xff\n") for code in ("en", "de", "fr")}
    found = read_all(PlainText(files, write("scores", "1\nhigh\n")))
    assert (found.rows, found.reasons, found.gaps) == ([("1", "1", "1")], {"score is no number": 1}, {})


def test_scores_beside_the_text(read_all, write) -> None:
    files = {"en": write("a.en", "1\n2\n3\n"), "de": write("a.de", "a\nb\nc\n")}
    found = read_all(PlainText(files, write("scores", "1.5\nhigh\n-2\n")))
    assert (found.rows, found.scores) == ([("1", "a"), ("3", "c")], [1.5, -2.0])
    assert [(r.reason, r.place, r.excerpt) for r in found.rejected] == [("score is no number", "scores:2", "high")]
    with pytest.raises(UserError, match=r"a\.\w\w:3: no counterpart for this line, .*short has 2 lines"):
        read_all(PlainText(files, write("short", "1\n2\n")))


def test_one_file_may_serve_two_languages(read_all, write) -> None:
    path = write("a", "1\n2\n")
    assert read_all(PlainText({"en": path, "de": path})).rows == [("1", "1"), ("2", "2")]


@pytest.mark.parametrize(("size", "whole"), [(100, True), (99, False)])
def test_a_file_that_is_read_whole_has_a_bound(write, size: int, whole: bool) -> None:
    path: Path = write("a", b"x" * 100)
    if whole:
        assert opening.read_whole(path, size) == b"x" * 100
    else:
        with pytest.raises(UserError, match=r"a: larger than 99 bytes, the most that is read of such a file; split it"):
            opening.read_whole(path, size)
