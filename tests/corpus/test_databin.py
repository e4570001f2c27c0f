"""fairseq's data-bin: bytes, round trip, and fairseq's own reader."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mtdeep.corpus import Direction, Store, available, direction_views
from mtdeep.corpus.databin import MMapColumn, one_way, write_databin
from mtdeep.errors import UserError

EN_DE = Direction("en", "de")


def test_bytes(make_store: Callable[..., Store], tmp_path: Path) -> None:
    """Both files of a column, written out from fairseq 0.12.2's indexed_dataset.py."""
    store = make_store({("train", "a"): {"en": [[10, 11], [], [12]], "de": [[20], [21], [22, 23]]}})
    assert write_databin(store, tmp_path / "bin", [EN_DE], ["train"]) == {("train", EN_DE): 2}
    index = b"MMIDIDX\x00\x00" + struct.pack("<QBQ", 1, 8, 2) + struct.pack("<ii", 3, 2) + struct.pack("<qq", 0, 6)
    assert (tmp_path / "bin" / "train.en-de.en.idx").read_bytes() == index
    assert (tmp_path / "bin" / "train.en-de.en.bin").read_bytes() == struct.pack("<5H", 10, 11, 2, 12, 2)
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


def test_fairseq_reads_it(small_store: Store, tmp_path: Path) -> None:
    """fairseq's MMapIndexedDataset gives the same ids, where fairseq can be imported."""
    indexed_dataset = pytest.importorskip("fairseq.data.indexed_dataset")
    write_databin(small_store, tmp_path, [EN_DE], ["train"])
    theirs = indexed_dataset.MMapIndexedDataset(str(tmp_path / "train.en-de.de"))
    ours = MMapColumn(tmp_path / "train.en-de.de")
    assert len(theirs) == len(ours)
    assert all(theirs[i].tolist() == ours[i].tolist() for i in range(len(ours)))
    assert theirs.sizes.tolist() == ours.sizes.tolist()


def test_one_file_pair_serves_both_ways() -> None:
    """fairseq looks for either order."""
    assert one_way([EN_DE, EN_DE.reverse(), EN_DE]) == [EN_DE]


def test_missing_direction(make_store: Callable[..., Store], tmp_path: Path) -> None:
    """Refused before anything is written."""
    store = make_store({("train", "a"): {"en": [[10]], "de": [[20]]}})
    with pytest.raises(UserError, match="no sentence for de-zh_Hans"):
        write_databin(store, tmp_path / "bin", [EN_DE, Direction("de", "zh-Hans")], ["train"])
    assert not (tmp_path / "bin").exists()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (".idx", lambda b: b"X" + b[1:], "not an index of fairseq's mmap"),
        (".idx", lambda b: b[:-1], "expected 50 bytes and found 49"),
        (".idx", lambda b: b[:9] + b"\x02" + b[10:], "version 2"),
        (".bin", lambda b: b[:-1], "truncated, expected 10 bytes and found 9"),
    ],
)
def test_damage(
    make_store: Callable[..., Store], tmp_path: Path, name: str, change: Callable[[bytes], bytes], message: str
) -> None:
    """A damaged data-bin is told with its file."""
    store = make_store({("train", "a"): {"en": [[10, 11], [12]], "de": [[20], [21]]}})
    write_databin(store, tmp_path, [EN_DE], ["train"])
    path = tmp_path / f"train.en-de.en{name}"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UserError, match=message):
        MMapColumn(tmp_path / "train.en-de.en")
    path.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        MMapColumn(tmp_path / "train.en-de.en")
