"""Compressed files, written so that equal content gives equal bytes."""

from __future__ import annotations

import gzip
import lzma
from typing import IO, Any, cast

COMPRESSIONS = ("gz", "xz", "zst")
"""Suffixes of what can be written."""


def compressed(raw: IO[bytes], compression: str) -> IO[bytes]:
    """Return what compresses into an open file, by one of COMPRESSIONS; closed, it leaves that file open."""
    if compression == "gz":
        return cast(IO[bytes], gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0))
    if compression == "xz":
        return cast(IO[bytes], lzma.LZMAFile(raw, "wb"))
    import zstandard  # for those who ask for it

    writer: Any = zstandard.ZstdCompressor(write_checksum=True).stream_writer(raw, closefd=False)
    return cast(IO[bytes], writer)
