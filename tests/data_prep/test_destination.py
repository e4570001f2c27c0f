from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO

import pytest

from data_prep.destination import place_for
from mtdeep.corpus.manifest import FORMAT
from mtdeep.errors import UserError


def make(place: Path, content: str = "made") -> None:
    place.mkdir()
    (place / "manifest.json").write_text(json.dumps({"format": FORMAT, "content": content}))


def content(store: Path) -> str:
    return str(json.loads((store / "manifest.json").read_text())["content"])


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("name", ["wmt", "wmt*", "w[m]t", "?mt"])
def test_siblings_survive(tmp_path: Path, name: str) -> None:
    endings = ("news", "new", "new-v2", "newstest2019", "replaced", "partial-abc", "partial-abcdefgh", "lock")
    siblings = [tmp_path / f"{stem}.{ending}" for stem in {"wmt", name} for ending in endings]
    siblings += [tmp_path / f".{stem}.mtdeep-news" for stem in {"wmt", name}]
    siblings += [tmp_path / f".{name}.mtdeep-new.partial-kept"]
    if name != "wmt":
        siblings += [tmp_path / ".wmt.mtdeep-new", tmp_path / ".wmt.mtdeep-new.partial-abcdefgh"]
    for sibling in siblings:
        make(sibling, "a sibling")
    make(tmp_path / name)
    for _ in range(2):
        with place_for(tmp_path / name, overwrite=True) as place:
            make(place, "again")
    assert content(tmp_path / name) == "again"
    assert names(tmp_path) == sorted([name, *(sibling.name for sibling in siblings)])
    assert {content(sibling) for sibling in siblings} == {"a sibling"}


@pytest.mark.parametrize("leftover", [".wmt.mtdeep-new", ".wmt.mtdeep-new.partial-a1_bcdef", ".wmt.mtdeep-replaced"])
def test_what_a_killed_run_left_is_removed(tmp_path: Path, leftover: str) -> None:
    (tmp_path / leftover / "shards").mkdir(parents=True)
    (tmp_path / leftover / "shards" / "000000.bin").write_bytes(b"half")
    make(tmp_path / "wmt", "old")
    with place_for(tmp_path / "wmt", overwrite=True) as place:
        make(place)
    assert (content(tmp_path / "wmt"), names(tmp_path)) == ("made", ["wmt"])


def test_killed_between_the_two_renames_of_an_overwrite(tmp_path: Path) -> None:
    make(tmp_path / ".wmt.mtdeep-replaced", "old")
    with place_for(tmp_path / "wmt", overwrite=True) as place:
        assert content(tmp_path / "wmt") == "old"
        make(place, "new")
    assert (content(tmp_path / "wmt"), names(tmp_path)) == ("new", ["wmt"])


def test_failing_between_the_two_renames_puts_the_old_store_back(tmp_path: Path) -> None:
    make(tmp_path / "wmt", "old")
    with pytest.raises(FileNotFoundError), place_for(tmp_path / "wmt", overwrite=True):
        pass  # nothing was written, so the second rename fails
    assert (content(tmp_path / "wmt"), names(tmp_path)) == ("old", ["wmt"])


def test_an_empty_folder_is_a_place(tmp_path: Path) -> None:
    (tmp_path / "wmt").mkdir()
    with place_for(tmp_path / "wmt", overwrite=False) as place:
        make(place)
    assert (content(tmp_path / "wmt"), names(tmp_path)) == ("made", ["wmt"])


def test_two_writers_of_one_store(tmp_path: Path) -> None:
    with place_for(tmp_path / "wmt", overwrite=False) as place:
        refuse_another(tmp_path / "wmt")
        make(place)


def test_a_lock_file_that_was_removed_meanwhile_locks_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    removed: list[str] = []

    def flock_after_the_holder_left(file: IO[str], operation: int) -> None:
        if not removed:  # the first holder ends between our open and our lock
            removed.append(file.name)
            os.unlink(file.name)
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock_after_the_holder_left)
    with place_for(tmp_path / "wmt", overwrite=False) as place:
        refuse_another(tmp_path / "wmt")
        make(place)
    assert len(removed) == 1
    assert names(tmp_path) == ["wmt"]


def refuse_another(path: Path) -> None:
    with (
        pytest.raises(UserError, match="another process is writing it"),
        place_for(path, overwrite=False),
    ):
        pass
