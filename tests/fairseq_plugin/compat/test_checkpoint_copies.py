"""The checkpoints of a save are files of their own."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mtdeep.fairseq_plugin.compat import checkpoint_copies


def copy(folder: Path, source: str, destination: str) -> None:
    assert checkpoint_copies.copy(str(folder / source), str(folder / destination))


def refused(number: int) -> Callable[..., int]:
    def copy_file_range(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return copy_file_range


def nothing(*_: object) -> int:
    """Report the end of the file at once, as some file systems do."""
    return 0


def broken_off(kernel: Callable[..., int]) -> Callable[..., int]:
    """Report the end of the file after its first bytes."""
    lengths = [100]

    def copy_file_range(source: int, destination: int, count: int) -> int:
        return kernel(source, destination, lengths.pop()) if lengths else 0

    return copy_file_range


WAYS: dict[str, Callable[..., int]] = {
    "in the kernel": os.copy_file_range,
    "between file systems": refused(errno.EXDEV),
    "not supported": refused(errno.EOPNOTSUPP),
    "file of a network": refused(errno.EIO),
    "nothing copied": nothing,
}


@pytest.fixture(params=[*WAYS, "broken off"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy as the kernel does, and where it cannot or does not (between file systems, of a network, in a sandbox)."""
    copy_file_range = WAYS.get(request.param) or broken_off(os.copy_file_range)
    monkeypatch.setattr(os, "copy_file_range", copy_file_range)


def test_what_is_written_into_a_copy_leaves_the_others(tmp_path: Path, way: None) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "checkpoint1.pt").write_bytes(content)
    copy(tmp_path, "checkpoint1.pt", "checkpoint_last.pt")
    with (tmp_path / "checkpoint_last.pt").open("rb+") as file:
        assert file.read() == content
        file.seek(0)
        file.write(b"averaged")
    assert (tmp_path / "checkpoint1.pt").read_bytes() == content


def test_a_link_of_an_earlier_version_becomes_a_file_of_its_own(tmp_path: Path, way: None) -> None:
    (tmp_path / "checkpoint1.pt").write_text("state")
    (tmp_path / "checkpoint_best.pt").hardlink_to(tmp_path / "checkpoint1.pt")
    (tmp_path / "checkpoint_last.pt").symlink_to(tmp_path / "checkpoint1.pt")
    for name in ("checkpoint_best.pt", "checkpoint_last.pt"):
        copy(tmp_path, "checkpoint1.pt", name)
        assert not (tmp_path / name).is_symlink()
        assert not (tmp_path / name).samefile(tmp_path / "checkpoint1.pt")
        assert (tmp_path / name).read_text() == "state"


def test_new_checkpoints_leave_linked_ones_as_they_are(tmp_path: Path, way: None) -> None:
    """An earlier version's checkpoint1, best and last are one file; the next save takes two of the names."""
    (tmp_path / "checkpoint1.pt").write_text("older")
    for name in ("checkpoint_best.pt", "checkpoint_last.pt"):
        (tmp_path / name).hardlink_to(tmp_path / "checkpoint1.pt")
    (tmp_path / "checkpoint2.pt").write_text("newer")
    copy(tmp_path, "checkpoint2.pt", "checkpoint_last.pt")
    texts = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert texts == {
        "checkpoint1.pt": "older",
        "checkpoint2.pt": "newer",
        "checkpoint_best.pt": "older",
        "checkpoint_last.pt": "newer",
    }


def test_what_a_killed_copy_left_does_not_take_an_older_checkpoint_along(tmp_path: Path, way: None) -> None:
    """The leftover is a hard link to checkpoint1: writing into it would rewrite that."""
    (tmp_path / "checkpoint1.pt").write_text("older")
    (tmp_path / "checkpoint2.pt").write_text("newer")
    (tmp_path / ".checkpoint_last.pt.partial").hardlink_to(tmp_path / "checkpoint1.pt")
    copy(tmp_path, "checkpoint2.pt", "checkpoint_last.pt")
    assert (tmp_path / "checkpoint1.pt").read_text() == "older"
    assert (tmp_path / "checkpoint_last.pt").read_text() == "newer"
    assert not (tmp_path / ".checkpoint_last.pt.partial").exists()


def test_a_file_is_not_copied_onto_itself(tmp_path: Path) -> None:
    (tmp_path / "checkpoint1.pt").write_text("state")
    copy(tmp_path, "checkpoint1.pt", "checkpoint1.pt")
    assert (tmp_path / "checkpoint1.pt").read_text() == "state"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_the_old_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    (tmp_path / "checkpoint1.pt").write_text("newer")
    (tmp_path / "checkpoint_last.pt").write_text("older")
    monkeypatch.setattr(os, "copy_file_range", refused(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        copy(tmp_path, "checkpoint1.pt", "checkpoint_last.pt")
    assert (tmp_path / "checkpoint_last.pt").read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint1.pt", "checkpoint_last.pt"]
