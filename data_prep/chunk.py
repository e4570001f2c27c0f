"""A piece of a corpus on disk between two steps of a preparation: some ten thousand rows, by columns.

A chunk is a file of named arrays:

    magic    b"MTDCHUNK"
    uint32   length of the header
    header   JSON: for each array its name, type, shape and xxh3-64
    uint64   xxh3-64 of the header
    arrays   one after the other

Numbers are little-endian. One array is read and checked without the others. Text is the UTF-8 of a column's sentences
without anything between them, beside their lengths in characters: decoded once and cut, it costs one pass.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import xxhash

from mtdeep.corpus.blocks import Block
from mtdeep.errors import UserError

_MAGIC = b"MTDCHUNK"
_LENGTH = np.dtype("<u4")
AGAIN = "remove the folder that it is in, and prepare again"
_TEXT, _CHARACTERS, _TOKENS, _UNITS = "text/", "characters/", "tokens/", "units/"


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a chunk; equal arrays give equal bytes.

    It is not synced: what a power cut leaves of it is told from a whole one by its digests.
    """
    content = {name: (array, _bytes_of(array)) for name, array in arrays.items()}
    described = [
        {"name": name, "type": _little_endian(array), "shape": array.shape, "xxh3_64": xxhash.xxh3_64_hexdigest(data)}
        for name, (array, data) in content.items()
    ]
    header = json.dumps(described, ensure_ascii=False).encode()
    head = [_MAGIC, np.array(len(header), _LENGTH).tobytes(), header, _digest(header)]
    path.write_bytes(b"".join([*head, *(data for _, data in content.values())]))


def read_arrays(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> dict[str, np.ndarray]:
    """Return the arrays of a chunk whose names are *wanted*; no other is read.

    Raises UserError for a file that is missing or damaged.
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        with path.open("rb") as file:
            for described in _header(file, path):
                dtype, shape = np.dtype(described["type"]), tuple(described["shape"])
                size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
                if not wanted(described["name"]):
                    file.seek(size, os.SEEK_CUR)
                    continue
                data = file.read(size)
                if xxhash.xxh3_64_hexdigest(data) != described["xxh3_64"]:
                    raise UserError(f"{path}: damaged; {AGAIN}")
                arrays[described["name"]] = np.frombuffer(data, dtype).reshape(shape)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {AGAIN}") from None
    return arrays


def _header(file: BinaryIO, path: Path) -> Any:
    """Read what describes the arrays, up to the first one."""
    start = file.read(len(_MAGIC) + _LENGTH.itemsize)
    if len(start) == len(_MAGIC) + _LENGTH.itemsize and start.startswith(_MAGIC):
        header = file.read(int(np.frombuffer(start[len(_MAGIC) :], _LENGTH)[0]))
        if file.read(8) == _digest(header):
            return json.loads(header)
    raise UserError(f"{path}: damaged; {AGAIN}")


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
        arrays = read_arrays(path, _of_languages((_TEXT, _CHARACTERS), languages))
        found = [name.removeprefix(_TEXT) for name in arrays if name.startswith(_TEXT)]
        columns = {code: _cut(arrays[_TEXT + code], arrays[_CHARACTERS + code]) for code in found}
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
    def read(cls, path: Path, languages: Sequence[str] | None = None) -> TokenChunk:
        """Read a chunk, or only the columns of *languages*; raises UserError as `read_arrays` does."""
        arrays = read_arrays(path, _of_languages((_TOKENS, _UNITS), languages))
        found = [name.removeprefix(_TOKENS) for name in arrays if name.startswith(_TOKENS)]
        return cls({code: Block(arrays[_TOKENS + code], arrays[_UNITS + code].astype(np.int64)) for code in found})


def _of_languages(kinds: tuple[str, ...], languages: Sequence[str] | None) -> Callable[[str], bool]:
    """Return the test for what is no column, or one of these languages; None: of any."""

    def wanted(name: str) -> bool:
        kind = next((kind for kind in kinds if name.startswith(kind)), None)
        return kind is None or languages is None or name.removeprefix(kind) in languages

    return wanted


def _digest(data: bytes) -> bytes:
    return xxhash.xxh3_64_digest(data)


def _little_endian(array: np.ndarray) -> str:
    return array.dtype.newbyteorder("<").str


def _bytes_of(array: np.ndarray) -> bytes:
    return array.astype(_little_endian(array), copy=False).tobytes()


def _cut(utf8: np.ndarray, lengths: np.ndarray) -> list[str]:
    decoded = utf8.tobytes().decode("utf-8")
    ends = [0, *np.cumsum(lengths, dtype=np.int64).tolist()]
    return [decoded[start:end] for start, end in pairwise(ends)]
