from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from data_prep.readers.compression import compression_of
from data_prep.readers.foreign import foreign_kind
from data_prep.readers.plain_text import read_lines
from mtdeep.errors import UserError

any_line = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\0"), max_size=12)
OTHER = (b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")  # UTF-16, compressed
on_one_path = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    return path


@on_one_path
@given(lines=st.lists(any_line.filter(lambda line: not line.endswith("\r"))), name=st.sampled_from(["a.en", "a.en.gz"]))
def test_what_is_written_is_read(tmp_path: Path, lines: list[str], name: str) -> None:
    lines = [line.removeprefix("\ufeff") for line in lines]
    path = write(tmp_path, name, "".join(line + "\n" for line in lines).encode())
    assert list(read_lines(path)) == lines


@on_one_path
@given(lines=st.lists(any_line.filter(lambda line: not line.startswith("\ufeff")), min_size=1))
def test_line_ends_and_byte_order_mark_do_not_reach_the_sentence(tmp_path: Path, lines: list[str]) -> None:
    path = write(tmp_path, "dos.txt", b"\xef\xbb\xbf" + "".join(line + "\r\n" for line in lines).encode())
    assert list(read_lines(path)) == lines


@on_one_path
@given(content=st.binary(max_size=60).filter(lambda content: b"\0" not in content and not content.startswith(OTHER)))
def test_lines_are_those_of_the_bytes_or_the_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    assume(not compression_of(content) and not foreign_kind(content))  # a file of another kind is told as such
    path = write(tmp_path, "bytes.txt", content)
    if b"\n" not in content and b"\r" in content.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r"):
        with pytest.raises(UserError, match=r"bytes.txt:1: its lines end with .r alone; convert it"):
            list(read_lines(path))
        return
    try:
        expected = content.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        bom = 3 if content.startswith(b"\xef\xbb\xbf") else 0
        line = content[: bom + error.start].count(b"\n") + 1
        with pytest.raises(UserError, match=rf"bytes.txt:{line}: invalid UTF-8 at byte {bom + error.start} of the"):
            list(read_lines(path))
        return
    pieces = expected.split("\n")
    ended, last = pieces[:-1], pieces[-1]
    assert list(read_lines(path)) == [piece.removesuffix("\r") for piece in ended] + ([last] if last else [])


def test_only_line_feeds_end_a_line(tmp_path: Path) -> None:
    # str.splitlines would see 8 lines here
    line = "a\u0085b\u2028c\u2029d\x0be\x0cf\x1cg\rh"
    path = write(tmp_path, "a.en", (line + "\n").encode())
    assert list(read_lines(path)) == [line]


def test_invalid_utf8_names_line_and_byte(tmp_path: Path) -> None:
    path = write(tmp_path, "a.de", b"gut\nschlecht: \xe4\xf6\n")
    with pytest.raises(UserError, match=r"a\.de:2: invalid UTF-8 at byte 14 of the text \(0xe4\)"):
        list(read_lines(path))


def test_a_broken_gzip_file(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b"line %d\n" % i for i in range(2000)))
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"cut\.gz:\d+: not a whole gzip file"):
        list(read_lines(tmp_path / "cut.gz"))
    (tmp_path / "plain.gz").write_bytes(b"not zipped\n")
    with pytest.raises(UserError, match=r"plain\.gz:1: no gzip file, though named as one; rename it"):
        list(read_lines(tmp_path / "plain.gz"))
