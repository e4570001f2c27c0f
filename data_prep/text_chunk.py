"""A piece of aligned text on disk, between two steps of a preparation: some ten thousand rows, by columns.

    magic    b"MTDTEXT1"
    uint32   length of the header
    header   JSON: rows, and for each part its name, bytes and type
    parts    one after the other: the UTF-8 text of a column, its sentences without anything between them; the lengths
             of its sentences in characters, (rows,) uint32; arrays by name, such as row numbers
    uint64   xxh3-64 of all that stands before

Numbers are little-endian. Joined text is decoded once and cut by characters: a list of strings costs one pass.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import xxhash

from mtdeep.durable import write_atomically
from mtdeep.errors import UserError

_MAGIC = b"MTDTEXT1"
_LENGTH = np.dtype("<u4")


@dataclass(frozen=True)
class TextChunk:
    """Columns of text, language -> (rows,) strings, "" for a gap, and arrays (rows, ...) that go with the rows."""

    columns: Mapping[str, Sequence[str]]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Return how many rows there are, gaps included."""
        return len(next(iter(self.columns.values())))

    def write(self, path: Path) -> None:
        """Write the chunk; equal chunks give equal bytes."""
        parts: list[tuple[dict[str, object], bytes]] = []
        for language, texts in self.columns.items():
            lengths = np.fromiter(map(len, texts), dtype=_LENGTH, count=len(texts))
            parts.append(({"text": language}, "".join(texts).encode("utf-8")))
            parts.append(({"lengths": language}, lengths.tobytes()))
        for name, array in self.arrays.items():
            plain = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
            parts.append(({"array": name, "type": plain.dtype.str, "shape": plain.shape}, plain.tobytes()))
        described = [{**what, "bytes": len(data)} for what, data in parts]
        header = json.dumps({"rows": self.rows, "parts": described}, ensure_ascii=False).encode()
        content = b"".join([_MAGIC, np.array(len(header), _LENGTH).tobytes(), header, *(data for _, data in parts)])
        digest = xxhash.xxh3_64_digest(content)
        write_atomically(path, lambda partial: partial.write_bytes(content + digest))

    @classmethod
    def read(cls, path: Path, languages: Sequence[str] | None = None) -> TextChunk:
        """Read a chunk, or only the columns of *languages*.

        Raises UserError for a file that is missing or damaged.
        """
        try:
            content = memoryview(path.read_bytes())
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from None
        if bytes(content[:8]) != _MAGIC or xxhash.xxh3_64_digest(content[:-8]) != bytes(content[-8:]):
            raise UserError(f"{path}: damaged; {_AGAIN}")
        start = 12 + int(np.frombuffer(content[8:12], _LENGTH)[0])
        header = json.loads(bytes(content[12:start]))
        columns: dict[str, Sequence[str]] = {}
        arrays: dict[str, np.ndarray] = {}
        text = b""
        for part in header["parts"]:
            data, start = content[start : start + part["bytes"]], start + part["bytes"]
            if "text" in part:
                text = bytes(data)
            elif "array" in part:
                arrays[part["array"]] = np.frombuffer(data, part["type"]).reshape(part["shape"])
            elif languages is None or part["lengths"] in languages:
                columns[part["lengths"]] = _cut(text, np.frombuffer(data, _LENGTH))
        return cls(columns, arrays)


_AGAIN = "remove the folder that it is in, and prepare again"


def _cut(text: bytes, lengths: np.ndarray) -> list[str]:
    decoded = text.decode("utf-8")
    ends = [0, *np.cumsum(lengths, dtype=np.int64).tolist()]
    return [decoded[start:end] for start, end in pairwise(ends)]
