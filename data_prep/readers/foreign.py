"""Files that are no text and that no reader of text reads, known by their first bytes and named as what they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD = 512
"""Bytes of a file that tell."""


@dataclass(frozen=True)
class ForeignKind:
    """A kind of file: what it is called, and what to do with one."""

    name: str
    remedy: str


UNPACK = "unpack it, and give the files in it"
_TABLE = "save its text as TSV or as a text file"
ZIP = ForeignKind("a zip archive", "unpack it, or give it to the reader moses_zip if aligned text files are in it")
PARQUET = ForeignKind("a Parquet file", "give it to the reader parquet")


def _unpack(command: str) -> str:
    return f"unpack it with `{command}`"


# Every start has bytes that stand in no text, or a sentence that no text begins with.
_KINDS = (
    (rb"PK\x03\x04.{26}(?:\[Content_Types\]\.xml|mimetype|_rels/|docProps/|word/|xl/)",
     ForeignKind("an office document (DOCX, XLSX, ODT, ...)", _TABLE)),
    (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", ZIP),
    (rb".{257}ustar(?:\x00|  \x00)", ForeignKind("a tar archive", f"{_unpack('tar -xf')}, and give the files in it")),
    (rb"7z\xbc\xaf\x27\x1c", ForeignKind("a 7z archive", UNPACK)),
    (rb"Rar!\x1a\x07", ForeignKind("a RAR archive", UNPACK)),
    (rb"\x04\x22\x4d\x18|\x02\x21\x4c\x18", ForeignKind("lz4", _unpack("lz4 -d"))),
    (rb"LZIP[\x00\x01]", ForeignKind("lzip", _unpack("lzip -d"))),
    (rb"\x5d\x00\x00", ForeignKind("an old .lzma file", _unpack("xz -d --format=lzma"))),
    (rb"\x89LZO\x00\r\n\x1a\n", ForeignKind("lzop", _unpack("lzop -d"))),
    (rb"\x1f\x9d", ForeignKind("a .Z file of compress", _unpack("gzip -d"))),
    (rb"\xff\x06\x00\x00sNaPpY", ForeignKind("snappy", _unpack("snzip -d"))),
    (rb"[\x22-\x27]\xb5\x2f\xfd", ForeignKind("zstd of a version before 0.8", "unpack it with a zstd of that time")),
    (rb"PAR1\x15", PARQUET),
    (rb"ARROW1\x00\x00|\xff\xff\xff\xff.{2}\x00\x00\x10\x00", ForeignKind("an Arrow file", "write it as Parquet")),
    (rb"Obj\x01", ForeignKind("an Avro file", "write it as JSON lines or Parquet")),
    (rb"\x89HDF\r\n\x1a\n", ForeignKind("an HDF5 file", "write its text as JSON lines or Parquet")),
    (rb"SQLite format 3\x00", ForeignKind("an SQLite database", "write its text as TSV or JSON lines")),
    (rb"%PDF-\d\.\d", ForeignKind("a PDF document", "write its text to a text file")),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ForeignKind("an old Office document (DOC, XLS)", _TABLE)),
    (rb"version https://git-lfs\.github\.com/spec/v\d",
     ForeignKind("a pointer of Git LFS, not the file itself", "fetch the file with `git lfs pull`")),
)  # fmt: skip
_PATTERNS = tuple((re.compile(start, re.DOTALL), kind) for start, kind in _KINDS)


def foreign_kind(head: bytes) -> ForeignKind | None:
    """Return what a file is whose first `HEAD` bytes are *head*, None for what may be text."""
    return next((kind for pattern, kind in _PATTERNS if pattern.match(head)), None)
