from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.normalisation import survival
from data_prep.readers.plain_text import read_aligned, read_lines
from data_prep.splits import hold_out
from data_prep.table import NO_TEXT, NOTHING_LEFT
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
    path = write(tmp_path, "bytes.txt", content)
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
    with pytest.raises(UserError, match=r"plain\.gz:1: not a whole gzip file"):
        list(read_lines(tmp_path / "plain.gz"))


def test_unequal_line_counts_name_both_files(tmp_path: Path) -> None:
    files = {"en": write(tmp_path, "a.en", b"1\n2\n3\n"), "de": write(tmp_path, "a.de", b"1\n2")}
    with pytest.raises(UserError, match=r"a\.en:3: no counterpart.*a\.en has 3 lines but .*a\.de has 2;"):
        read_aligned("a", "train", files)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path: Path, content: bytes) -> None:
    files = {"en": write(tmp_path, "a.en", b"1\n"), "de": write(tmp_path, "a.de", content)}
    with pytest.raises(UserError, match=r"a\.de:1: the file is empty"):
        read_aligned("a", "train", files)


def test_nothing_aligned(tmp_path: Path) -> None:
    files = {"en": write(tmp_path, "a.en", b"1\n\n"), "de": write(tmp_path, "a.de", b" \nx\n")}
    with pytest.raises(UserError, match=r"a\.en:1: no line from here on has text in two languages"):
        read_aligned("a", "train", files)


def test_gaps_and_rejected_rows_are_counted(tmp_path: Path) -> None:
    files = {
        "en": write(tmp_path, "a.en", b"one\n\nthree\n \nfive\n"),
        "de": write(tmp_path, "a.de", b"eins\n\n\t\n\nfuenf\n"),
        "fr": write(tmp_path, "a.fr.gz", "un\n\n\u3000\nquatre\n\n".encode()),
    }
    table = read_aligned("a", "train", files)
    assert [list(table.column(language)) for language in files] == [["one", "five"], ["eins", "fuenf"], ["un", ""]]
    assert table.account.read == 5
    assert table.account.rejected == {"empty in every language": 1, "in one language only": 2}
    assert table.account.gaps == {NO_TEXT: {"fr": 1}}
    assert table.sentences("fr") == 1


def test_lines_that_normalisation_leaves_nothing_of(tmp_path: Path) -> None:
    files = {
        "en": write(tmp_path, "a.en", "one\n\u200b\nthree\n\u200b\nfive\n".encode()),
        "de": write(tmp_path, "a.de", "eins\nzwei\n\ufeff\nvier\n\n".encode()),
        "fr": write(tmp_path, "a.fr", b"un\ndeux\n\n\n\n"),
    }
    table = read_aligned("a", "train", files, survives=survival("nmt_nfkc"))
    columns = [list(table.column(language)) for language in files]
    assert columns == [["one", ""], ["eins", "zwei"], ["un", "deux"]]
    assert table.account.read == 5
    assert table.account.kept == 2
    assert table.account.rejected == {"in one language only": 1, NOTHING_LEFT: 2}
    assert table.account.gaps == {NOTHING_LEFT: {"en": 1}}
    parts = hold_out(table, {"test": 1}, seed=1)
    with_gap, whole = sorted(parts, key=lambda part: not part.account.gaps)
    assert with_gap.account.gaps == {NOTHING_LEFT: {"en": 1}}
    assert with_gap.vanished["en"].tolist() == [0]
    assert not whole.account.gaps


@on_one_path
@given(
    rows=st.lists(st.tuples(*[st.sampled_from(["", " ", "x", "y\u2028z"])] * 3), min_size=1, max_size=20),
)
def test_rows_stay_aligned_and_accounts_add_up(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    files = {
        language: write(tmp_path, f"r.{language}", "".join(row[i] + "\n" for row in rows).encode())
        for i, language in enumerate(("en", "de", "fr"))
    }
    expected = [tuple(text if text.strip() else "" for text in row) for row in rows]
    expected = [row for row in expected if sum(map(bool, row)) >= 2]
    if not expected:
        with pytest.raises(UserError):
            read_aligned("r", "train", files)
        return
    table = read_aligned("r", "train", files)
    assert list(zip(*(table.column(language) for language in files), strict=True)) == expected
    assert table.account.read == len(rows)
    assert table.present.tolist() == [[bool(text) for text in row] for row in expected]
