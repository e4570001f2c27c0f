"""Files that are no text are named as what they are, with what to do, whatever their name and however packed."""

from __future__ import annotations

import gzip
import io
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.readers.opening import read_blocks
from mtdeep.errors import UserError


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("a.en")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"one\n"))
    return file.getvalue()


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "one\n")
    return file.getvalue()


def table(write_table=pq.write_table) -> bytes:
    file = io.BytesIO()
    write_table(pa.table({"en": ["one"]}), file)
    return file.getvalue()


def database() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table t (en text)")
        return connection.serialize()


# What no library here writes is the start that the format's own description gives.
KINDS = {
    "a zip archive, .*moses_zip": zipped("a.en"),
    "a zip archive": b"PK\5\6" + bytes(18),
    "an office document .*TSV": zipped("[Content_Types].xml"),
    "a tar archive, .*`tar -xf`": tar(),
    "a 7z archive, .*unpack it": b"7z\xbc\xaf\x27\x1c\0\4",
    "a RAR archive, .*unpack it": b"Rar!\x1a\7\1\0",
    "lz4, .*`lz4 -d`": b"\4\x22\x4d\x18\x64\x40",
    "lzip, .*`lzip -d`": b"LZIP\1\x0c",
    r"an old \.lzma file, .*`xz -d --format=lzma`": b"\x5d\0\0\x80\0" + b"\xff" * 8,
    "lzop": b"\x89LZO\0\r\n\x1a\n",
    r"a \.Z file of compress, .*`gzip -d`": b"\x1f\x9d\x90",
    "snappy": b"\xff\6\0\0sNaPpY",
    "a Parquet file, .*reader parquet": table(),
    "an Arrow file": table(lambda made, file: pa.ipc.new_file(file, made.schema).write(made)),
    "an Avro file": b"Obj\1\4",
    "an HDF5 file": b"\x89HDF\r\n\x1a\n",
    "an SQLite database": database(),
    "a PDF document": b"%PDF-1.7\n",
    "an old Office document": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "a pointer of Git LFS, .*`git lfs pull`": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
}


@pytest.mark.parametrize("sentence", KINDS)
def test_each_is_named_packed_or_not(tmp_path: Path, sentence: str) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(KINDS[sentence])
    with pytest.raises(UserError, match=rf"a\.gz:1: {sentence}"):
        list(read_blocks(path))
    path.write_bytes(gzip.compress(KINDS[sentence]))
    with pytest.raises(UserError, match=rf"a\.gz:1: gzip, in which there is {sentence}"):
        list(read_blocks(path))


def test_what_is_compressed_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(gzip.compress(b"one\n")))
    with pytest.raises(UserError, match=r"a:1: gzip, in which there is gzip again; unpack it once"):
        list(read_blocks(tmp_path / "a"))


ALIKE = (b"PK", b"LZIP packs\n", b"PAR1 is a gene\n", b"BZh9 is no word\n", b"Rar! ", b"x" * 257 + b"ustar ", b"\x1f")


@pytest.mark.parametrize("text", ALIKE)
def test_text_that_begins_alike_is_text(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a").write_bytes(text)
    assert b"".join(read_blocks(tmp_path / "a")) == text
