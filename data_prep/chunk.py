"""A piece of a corpus on disk between two steps of a preparation: some ten thousand rows, by columns.

A chunk is a file of named arrays:

    magic    b"MTDCHUNK"
    uint32   length of the header
    header   JSON: for each array its name, type and shape
    arrays   one after the other
    8 bytes  xxh3-64 of all that stands before

Numbers are little-endian. Text is the UTF-8 of a column's sentences without anything between them, beside their lengths
in characters: decoded once and cut, it costs one pass.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import xxhash

from mtdeep.corpus.blocks import Block
from mtdeep.durable import write_atomically
from mtdeep.errors import UserError

_MAGIC = b"MTDCHUNK"
_LENGTH = np.dtype("<u4")
_AGAIN = "remove the folder that it is in, and prepare again"
_TEXT, _CHARACTERS, _TOKENS, _UNITS = "text/", "characters/", "tokens/", "units/"


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a chunk; equal arrays give equal bytes."""
    plain = {name: _little_endian(array) for name, array in arrays.items()}
    described = [{"name": name, "type": array.dtype.str, "shape": array.shape} for name, array in plain.items()]
    header = json.dumps(described, ensure_ascii=False).encode()
    content = [_MAGIC, np.array(len(header), _LENGTH).tobytes(), header, *(a.tobytes() for a in plain.values())]
    digest = xxhash.xxh3_64()
    for part in content:
        digest.update(part)
    write_atomically(path, lambda partial: partial.write_bytes(b"".join([*content, digest.digest()])))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a chunk, which share its bytes.

    Raises UserError for a file that is missing or damaged.
    """
    try:
        content = memoryview(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from None
    if bytes(content[:8]) != _MAGIC or xxhash.xxh3_64_digest(content[:-8]) != bytes(content[-8:]):
        raise UserError(f"{path}: damaged; {_AGAIN}")
    start = 12 + int(np.frombuffer(content[8:12], _LENGTH)[0])
    arrays: dict[str, np.ndarray] = {}
    for described in json.loads(bytes(content[12:start])):
        dtype, shape = np.dtype(described["type"]), tuple(described["shape"])
        end = start + dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        arrays[described["name"]], start = np.frombuffer(content[start:end], dtype).reshape(shape), end
    return arrays


@dataclass(frozen=True)
class TextChunk:
    """Columns of text, language -> (rows,) strings, "" for a gap, and arrays (rows, ...) that go with the rows."""

    columns: Mapping[str, Sequence[str]]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the chunk."""
        content: dict[str, np.ndarray] = {}
        for language, texts in self.columns.items():
            content[_TEXT + language] = np.frombuffer("".join(texts).encode("utf-8"), dtype=np.uint8)
            content[_CHARACTERS + language] = np.fromiter(map(len, texts), dtype=_LENGTH, count=len(texts))
        write_arrays(path, {**content, **self.arrays})

    @classmethod
    def read(cls, path: Path, languages: Sequence[str] | None = None) -> TextChunk:
        """Read a chunk, or only the columns of *languages*; raises UserError as `read_arrays` does."""
        arrays = read_arrays(path)
        columns = {
            name.removeprefix(_TEXT): _cut(arrays[name], arrays[_CHARACTERS + name.removeprefix(_TEXT)])
            for name in arrays
            if name.startswith(_TEXT) and (languages is None or name.removeprefix(_TEXT) in languages)
        }
        rest = {name: array for name, array in arrays.items() if not name.startswith((_TEXT, _CHARACTERS))}
        return cls(columns, rest)


@dataclass(frozen=True)
class TokenChunk:
    """Columns of piece ids, language -> block."""

    columns: Mapping[str, Block]

    def write(self, path: Path) -> None:
        """Write the chunk."""
        content: dict[str, np.ndarray] = {}
        for language, block in self.columns.items():
            content[_TOKENS + language] = block.units
            content[_UNITS + language] = block.lengths.astype(_LENGTH)
        write_arrays(path, content)

    @classmethod
    def read(cls, path: Path) -> TokenChunk:
        """Read a chunk; raises UserError as `read_arrays` does."""
        arrays = read_arrays(path)
        languages = [name.removeprefix(_TOKENS) for name in arrays if name.startswith(_TOKENS)]
        return cls({code: Block(arrays[_TOKENS + code], arrays[_UNITS + code].astype(np.int64)) for code in languages})


def _little_endian(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)


def _cut(utf8: np.ndarray, lengths: np.ndarray) -> list[str]:
    decoded = utf8.tobytes().decode("utf-8")
    ends = [0, *np.cumsum(lengths, dtype=np.int64).tolist()]
    return [decoded[start:end] for start, end in pairwise(ends)]
