"""Files of text: a file a language, tab-separated values, JSON lines; plain or compressed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from mtdeep.compression import compressed
from mtdeep.languages import fairseq_code

_LINE_ENDS, _SEPARATORS = re.compile(r"\r\n|[\r\n]"), re.compile(r"\r\n|[\r\n\t]")


@dataclass(frozen=True)
class TextRows:
    """Rows of one corpus: language -> (rows,) texts, "" for a gap."""

    corpus: str
    origin: str
    columns: Mapping[str, Sequence[str]]


class TextFiles(Protocol):
    """The files of one table of rows, which are written one batch after another."""

    mended: int
    """Texts in which a blank stands for what would have ended a line or a cell."""

    def write(self, rows: TextRows) -> None:
        """Write rows; a language of the table that they lack is a gap."""


class LineFiles:
    """`NAME.LANGUAGE`, a sentence a line; line i of each is the same row, a gap an empty line."""

    def __init__(self, open_file: Callable[[str], IO[bytes]], name: str, languages: Sequence[str]) -> None:
        """Open the files of *languages*."""
        self._files = {language: open_file(f"{name}.{fairseq_code(language)}") for language in languages}
        self.mended = 0

    def write(self, rows: TextRows) -> None:
        """Write rows."""
        count = len(next(iter(rows.columns.values())))
        for language, file in self._files.items():
            texts = rows.columns.get(language) or [""] * count
            lines = [_LINE_ENDS.sub(" ", text) for text in texts]
            self.mended += sum(line != text for line, text in zip(lines, texts, strict=True))
            file.write("".join(f"{line}\n" for line in lines).encode())


class TsvFile:
    """`NAME.tsv`, a language a column, whose code stands in the first line; a gap is empty."""

    def __init__(self, open_file: Callable[[str], IO[bytes]], name: str, languages: Sequence[str]) -> None:
        """Open the file and write its first line."""
        self._file, self._languages = open_file(f"{name}.tsv"), languages
        self._file.write(("\t".join(map(fairseq_code, languages)) + "\n").encode())
        self.mended = 0

    def write(self, rows: TextRows) -> None:
        """Write rows."""
        count = len(next(iter(rows.columns.values())))
        columns = [rows.columns.get(language) or [""] * count for language in self._languages]
        for texts in zip(*columns, strict=True):
            cells = [_SEPARATORS.sub(" ", text) for text in texts]
            self.mended += sum(cell != text for cell, text in zip(cells, texts, strict=True))
            self._file.write(("\t".join(cells) + "\n").encode())


class JsonlFile:
    """`NAME.jsonl`, an object a row: its corpus, that one's origin, and `translation`, without gaps."""

    def __init__(self, open_file: Callable[[str], IO[bytes]], name: str, languages: Sequence[str]) -> None:
        """Open the file."""
        self._file, self._languages = open_file(f"{name}.jsonl"), languages
        self.mended = 0

    def write(self, rows: TextRows) -> None:
        """Write rows."""
        columns = {fairseq_code(code): rows.columns[code] for code in self._languages if code in rows.columns}
        for texts in zip(*columns.values(), strict=True):
            translation = {code: text for code, text in zip(columns, texts, strict=True) if text}
            row = {"corpus": rows.corpus, "origin": rows.origin, "translation": translation}
            self._file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())


FORMATS: Mapping[str, Callable[[Callable[[str], IO[bytes]], str, Sequence[str]], TextFiles]] = {
    "text": LineFiles,
    "tsv": TsvFile,
    "jsonl": JsonlFile,
}


class Folder:
    """Opens files in a folder under temporary names; they get their names together, once all of them are whole.

    A context manager: what has no name of its own at its end does not stay.
    """

    def __init__(self, path: Path, compression: str | None) -> None:
        """Prepare to write; *compression* is one of COMPRESSIONS, or none."""
        self._path, self._compression = path, compression
        self._open = ExitStack()
        self.names: list[str] = []

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._open.close()
        finally:
            for name in self.names:
                partial_of(self._path / name).unlink(missing_ok=True)

    def open(self, name: str) -> IO[bytes]:
        """Open a file of that name, with the compression's suffix."""
        name = f"{name}.{self._compression}" if self._compression else name
        self.names.append(name)
        raw = self._open.enter_context(partial_of(self._path / name).open("wb"))
        return self._open.enter_context(compressed(raw, self._compression)) if self._compression else raw

    def finish(self) -> dict[str, int]:
        """Close the files, which are durable then, still under temporary names; returns the bytes of each."""
        self._open.close()
        sizes = {}
        for name in self.names:
            with partial_of(self._path / name).open("rb+") as file:
                os.fsync(file.fileno())
                sizes[name] = os.fstat(file.fileno()).st_size
        return sizes

    def name_files(self) -> None:
        """Give the finished files their names."""
        for name in self.names:
            partial_of(self._path / name).replace(self._path / name)


def partial_of(path: Path) -> Path:
    """Return the temporary name of a file."""
    return path.with_name(f".{path.name}.partial")
