"""A file is the old one or the new one, whatever happens on the way."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mtdeep.durable import check_folder, has_writer, is_full, one_writer, os_error, refusals_told, write_atomically
from mtdeep.errors import UserError


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")

    def fail(partial: Path) -> None:
        partial.write_text("half")
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")

    def write(partial: Path) -> None:
        partial.write_text("new")
        assert path.read_text() == "old"

    write_atomically(path, write)
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_who_writes_is_known_while_it_does(tmp_path: Path) -> None:
    path, link = tmp_path / "store", tmp_path / "link"
    link.symlink_to(path)
    assert not has_writer(path)
    with one_writer(path):
        assert has_writer(path) and has_writer(link)
    (tmp_path / ".store.mtdeep-lock").touch()  # as a writer leaves it that was killed
    assert not has_writer(path)


def test_a_failed_write_names_its_file(tmp_path: Path) -> None:
    def fail(partial: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left") as problem:
        write_atomically(tmp_path / "results.json", fail)
    assert problem.value.filename == str(tmp_path / "results.json")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "make room, or give another place for it"),
        (errno.EDQUOT, "make room, or give another place for it"),
        (errno.EROFS, "mend that, or give another place"),
    ],
)
def test_what_a_library_raises_over_a_full_disk_is_that(number: int, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as problem, refusals_told(tmp_path, kept="the rest is kept"):
        try:
            raise OSError(number, os.strerror(number))
        finally:
            raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")
    assert str(problem.value) == f"{tmp_path}: cannot be written ({os.strerror(number)}); {remedy}; the rest is kept"


def test_a_defect_after_an_error_that_was_dealt_with_is_a_defect() -> None:
    defect = ValueError("wrong")
    defect.__context__ = FileNotFoundError(errno.ENOENT, "No such file or directory")
    with pytest.raises(ValueError, match="wrong"), refusals_told(Path("store")):
        raise defect
    defect.__suppress_context__ = True
    assert os_error(defect) is None


def test_only_errors_of_writing_are_those_of_a_full_disk() -> None:
    full = {number for number in errno.errorcode if is_full(OSError(number, ""))}
    assert full == {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    check_folder("--output", tmp_path)
    check_folder("--output", tmp_path / "not" / "there")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("file", "it is a file"),
        ("file/below", "Not a directory"),
        ("link", "No such file or directory"),
        ("n" * 300, "File name too long"),
        ("/proc/none", "No such file or directory"),
    ],
)
def test_a_folder_that_cannot_be_written_is_named(place: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(UserError) as problem:
        check_folder("--output", tmp_path / place)
    assert str(problem.value) == f"--output {tmp_path / place}: cannot be written to ({reason}); name another folder."
