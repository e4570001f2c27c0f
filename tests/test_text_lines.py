"""Lines of a user's file: where they end, and what is said of bytes that are none."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mtdeep.errors import UserError
from mtdeep.text_lines import read_lines


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a\n\n", ["a", ""]),
        ("a\r\nb\rc\x85d\u2028e\n f".encode(), ["a\r", "b\rc\x85d\u2028e", " f"]),
    ],
)
def test_lines_end_at_line_feeds_alone(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    (tmp_path / "text").write_bytes(content)
    assert [*read_lines(str(tmp_path / "text"), "--input")] == lines


def test_what_cannot_be_read_is_named_with_its_option_and_line(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(UserError, match=r"^--ref .*text: cannot be read \(No such file or directory\); give a text"):
        next(read_lines(str(tmp_path / "text"), "--ref"))
    (tmp_path / "text").write_bytes(b"fine\nna\xefve\n")
    lines = read_lines(str(tmp_path / "text"), "--ref")
    assert next(lines) == "fine"
    with pytest.raises(UserError, match=r"^--ref .*text, line 2: is not UTF-8 \(byte 0xef at place 3\); convert"):
        next(lines)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"\xff")))
    with pytest.raises(UserError, match=r"^standard input, line 1: is not UTF-8"):
        next(read_lines("-", "--sys"))
