"""MMIDIDX: bytes, fairseq's own reader, and a table of damages."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mtdeep.corpus.mmididx import MMapColumn, write_column
from mtdeep.errors import UserError

SENTENCES = [[10, 11, 2], [12, 2], [2]]
HEADER = b"MMIDIDX\x00\x00" + struct.pack("<QBQ", 1, 8, 3)
SIZES = struct.pack("<iii", 3, 2, 1)
STARTS = struct.pack("<qqq", 0, 6, 10)


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    write_column(tmp_path / "train.en-de.en", map(np.array, SENTENCES), 100)
    return tmp_path / "train.en-de.en"


def test_bytes(prefix: Path) -> None:
    """Both files, written out from fairseq 0.12.2's indexed_dataset.py."""
    assert prefix.with_name(prefix.name + ".idx").read_bytes() == HEADER + SIZES + STARTS
    assert prefix.with_name(prefix.name + ".bin").read_bytes() == struct.pack("<6H", 10, 11, 2, 12, 2, 2)


@pytest.mark.parametrize(("size", "code", "width"), [(65499, 8, 2), (65500, 4, 4)])
def test_type_of_tokens(tmp_path: Path, size: int, code: int, width: int) -> None:
    """fairseq's threshold, best_fitting_int_dtype."""
    write_column(tmp_path / "a", [np.array([size - 1, 2])], size)
    assert (tmp_path / "a.idx").read_bytes()[17] == code
    assert (tmp_path / "a.bin").stat().st_size == 2 * width
    assert MMapColumn(tmp_path / "a")[0].tolist() == [size - 1, 2]


def test_sentences_and_blocks(prefix: Path) -> None:
    column = MMapColumn(prefix)
    assert [column[i].tolist() for i in range(len(column))] == SENTENCES
    (block,) = column.blocks()
    assert [sentence.tolist() for sentence in block.sentences()] == SENTENCES


def test_fairseq_reads_it_and_we_read_fairseqs(prefix: Path, tmp_path: Path) -> None:
    """fairseq's MMapIndexedDataset and its builder, where fairseq can be imported."""
    theirs = pytest.importorskip("fairseq.data.indexed_dataset")
    torch = pytest.importorskip("torch")
    dataset = theirs.MMapIndexedDataset(str(prefix))
    assert [dataset[i].tolist() for i in range(len(dataset))] == SENTENCES
    for dtype in (np.uint16, np.uint32, np.int32, np.int64):
        builder = theirs.MMapIndexedDatasetBuilder(str(tmp_path / "b.bin"), dtype=dtype)
        for sentence in SENTENCES:
            builder.add_item(torch.tensor(sentence))
        builder.finalize(str(tmp_path / "b.idx"))
        column = MMapColumn(tmp_path / "b")
        assert column.dtype == dtype
        assert [column[i].tolist() for i in range(len(column))] == SENTENCES


def test_no_sentence(tmp_path: Path) -> None:
    write_column(tmp_path / "a", [], 100)
    assert len(MMapColumn(tmp_path / "a")) == 0
    assert list(MMapColumn(tmp_path / "a").blocks()) == []


def replaced(start: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[:start] + new + data[start + len(new) :]


@pytest.mark.parametrize(
    ("suffix", "change", "message"),
    [
        (".idx", lambda b: b"", "not an index of fairseq's mmap"),
        (".idx", lambda b: b[:20], "not an index of fairseq's mmap"),
        (".idx", replaced(0, b"TNTIDX\x00\x00"), "not an index of fairseq's mmap"),
        (".idx", lambda b: b[:-1], "expected 62 bytes and found 61"),
        (".idx", lambda b: b + b"\x00", "expected 62 bytes and found 63"),
        (".idx", replaced(9, b"\x02"), "version 2"),
        (".idx", replaced(17, b"\x06"), "version 1 with token type 6 is not known"),
        (".idx", replaced(17, b"\x04"), "sentence 1 starts at byte 6, and those before it end at 12"),
        (".idx", replaced(18, b"\xff" * 8), "expected 221360928884514619406 bytes and found 62"),
        (".idx", replaced(26, struct.pack("<i", -1)), "sentence 0 has -1 tokens"),
        (".idx", replaced(26, struct.pack("<i", 4)), "sentence 1 starts at byte 6, and those before it end at 8"),
        (".idx", replaced(38, struct.pack("<q", -2)), "sentence 0 starts at byte -2, and those before it end at 0"),
        (".idx", replaced(46, struct.pack("<q", 1 << 40)), "sentence 1 starts at byte 1099511627776, and"),
        (".idx", replaced(34, struct.pack("<i", 1 << 30)), r"\.bin: truncated, expected 2147483658 bytes and found 12"),
        (".bin", lambda b: b[:-1], r"\.bin: truncated, expected 12 bytes and found 11"),
        (".bin", lambda b: b + b[:2], r"\.bin: longer than its index says, expected 12 bytes and found 14"),
        (".bin", lambda b: b"", r"\.bin: truncated, expected 12 bytes and found 0"),
    ],
)
def test_damage(prefix: Path, suffix: str, change: Callable[[bytes], bytes], message: str) -> None:
    """One sentence with the file and the remedy."""
    path = prefix.with_name(prefix.name + suffix)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UserError, match=message) as raised:
        MMapColumn(prefix)
    assert str(prefix) in str(raised.value) and "write the data-bin again" in str(raised.value)
    path.unlink()
    with pytest.raises(UserError, match=rf"train\.en-de\.en\{suffix}: cannot be read"):
        MMapColumn(prefix)
