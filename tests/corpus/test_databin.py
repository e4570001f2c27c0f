"""fairseq's data-bin, written from a store: files, and every pair of every direction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mtdeep.corpus import Direction, Store, available, direction_views
from mtdeep.corpus.databin import one_way, write_databin
from mtdeep.corpus.mmididx import MMapColumn
from mtdeep.errors import UserError

EN_DE = Direction("en", "de")


def test_files(make_store: Callable[..., Store], tmp_path: Path) -> None:
    """The names that fairseq looks for, sentences without gaps, and the store's dictionary for either language."""
    store = make_store({("train", "a"): {"en": [[10, 11], [], [12]], "de": [[20], [21], [22, 23]]}})
    assert write_databin(store, tmp_path / "bin", [EN_DE], ["train"]) == {("train", EN_DE): 2}
    column = MMapColumn(tmp_path / "bin" / "train.en-de.en")
    assert [column[i].tolist() for i in range(len(column))] == [[10, 11, 2], [12, 2]]
    names = ["dict.de.txt", "dict.en.txt"] + [f"train.en-de.{c}.{e}" for c in ("de", "en") for e in ("bin", "idx")]
    assert sorted(p.name for p in (tmp_path / "bin").iterdir()) == sorted(names)
    assert (tmp_path / "bin" / "dict.en.txt").read_bytes() == (store.path / "dict.txt").read_bytes()


def test_round_trip(small_store: Store, tmp_path: Path) -> None:
    """Every pair of every direction, in the order of the views, with end-of-sentence."""
    directions = list(available(small_store, "valid"))
    written = write_databin(small_store, tmp_path, directions, ["train", "valid"])
    assert len(written) == 2 * 6
    for split, direction in written:
        view = direction_views(small_store, split, [direction])[0]
        columns = [
            MMapColumn(tmp_path / f"{split}.{direction}.{code.replace('-', '_')}")
            for code in (direction.source, direction.target)
        ]
        part, row = view.locate(np.arange(len(view)))
        assert len(columns[0]) == len(columns[1]) == len(view)
        for i in range(len(view)):
            for column, ids in zip(columns, view.pair(int(part[i]), int(row[i])), strict=True):
                assert column[i].tolist() == [*ids.tolist(), 2]
    assert (tmp_path / "train.zh_Hans-sr_Latn.sr_Latn.idx").exists()


def test_one_file_pair_serves_both_ways() -> None:
    """fairseq looks for either order."""
    assert one_way([EN_DE, EN_DE.reverse(), EN_DE]) == [EN_DE]


def test_missing_direction(make_store: Callable[..., Store], tmp_path: Path) -> None:
    """Refused before anything is written."""
    store = make_store({("train", "a"): {"en": [[10]], "de": [[20]]}})
    with pytest.raises(UserError, match="no sentence for de-zh_Hans"):
        write_databin(store, tmp_path / "bin", [EN_DE, Direction("de", "zh-Hans")], ["train"])
    assert not (tmp_path / "bin").exists()


def folder_of(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_another_export_is_not_touched(make_store: Callable[..., Store], tmp_path: Path) -> None:
    """Neither one of another dictionary, nor of other sentences, nor one whose dictionary was lost."""
    rows = {"en": [[10], [11]], "de": [[20], [21]], "zh-Hans": [[30], [31]]}
    ours, out = make_store({("train", "a"): rows}), tmp_path / "bin"
    longer = make_store({("train", "a"): {code: [*column, [12]] for code, column in rows.items()}}, "longer")
    write_databin(ours, out, [EN_DE], ["train"])
    before = folder_of(out)
    with pytest.raises(UserError, match=r"train.en-de.en.idx: has 2 sentences, and this store 3 there; .*--overwrite"):
        write_databin(longer, out, [EN_DE], ["train"])
    (out / "dict.de.txt").unlink()
    with pytest.raises(UserError, match=r"dict.de.txt, is missing; .*--overwrite"):
        write_databin(ours, out, [Direction("en", "zh-Hans")], ["train"])
    (out / "dict.de.txt").write_bytes(before["dict.de.txt"] + b"more 1\n")
    with pytest.raises(UserError, match=r"dict.de.txt: is not the dictionary of this store; .*--overwrite"):
        write_databin(ours, out, [Direction("en", "zh-Hans")], ["train"])
    (out / "dict.de.txt").write_bytes(before["dict.de.txt"])
    assert folder_of(out) == before
    with pytest.raises(UserError, match="holds a store"):
        write_databin(ours, longer.path, [EN_DE], ["train"], overwrite=True)


def test_directions_of_one_store_come_together(make_store: Callable[..., Store], tmp_path: Path) -> None:
    """And again the same: as if they had been written at once."""
    store = make_store({("train", "a"): {"en": [[10]], "de": [[20]], "zh-Hans": [[30]]}})
    pairs = [EN_DE, Direction("en", "zh-Hans")]
    for pair in (*pairs, EN_DE):
        write_databin(store, tmp_path / "steps", [pair], ["train"])
    write_databin(store, tmp_path / "at_once", pairs, ["train"])
    assert folder_of(tmp_path / "steps") == folder_of(tmp_path / "at_once")


def test_overwriting_removes_what_an_export_writes_and_nothing_else(
    make_store: Callable[..., Store], tmp_path: Path
) -> None:
    store, out = make_store({("train", "a"): {"en": [[10]], "de": [[20]], "zh-Hans": [[30]]}}), tmp_path / "bin"
    write_databin(store, out, [Direction("en", "zh-Hans")], ["train"])
    (out / "dict.en.txt").write_text("foreign 1\n")
    kept = {"preprocess.log": b"kept", "model.bin": b"kept"}
    for name, content in kept.items():
        (out / name).write_bytes(content)
    write_databin(store, out, [EN_DE], ["train"], overwrite=True)
    write_databin(store, tmp_path / "new", [EN_DE], ["train"])
    assert folder_of(out) == folder_of(tmp_path / "new") | kept
