"""A file is the old one or the new one, whatever happens on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtdeep.durable import has_writer, one_writer, write_atomically


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
