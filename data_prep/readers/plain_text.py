r"""Plain text, one sentence a line, in files that are aligned line by line; gzip by the name's end.

A line ends at ``\n`` and nowhere else: U+0085 or U+2028 inside a sentence would split one side of a corpus and not the
other. The ``\r`` of a ``\r\n`` belongs to the line's end, and so does not reach the sentence; a byte order mark at the
start of a file is dropped. A line that is empty or blank is a gap, and so is one that does not survive normalisation.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import compress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data_prep.table import NOTHING_LEFT, Account, AlignedText, count_gaps
from mtdeep.errors import UserError

_BOM = b"\xef\xbb\xbf"
_STEP = 1 << 16  # lines between two reports of progress

Progress = Callable[[str, int], None]  # file, lines read
_BLANK, _TEXT, _VANISHES = range(3)  # what a line is


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of *path* without their ends.

    Raises UserError, with the line, for invalid UTF-8 and for a file that is no gzip file or breaks off.
    """
    number = offset = 0
    try:
        with _open(path) as file:
            for number, raw in enumerate(file, start=1):
                start = offset
                offset += len(raw)
                if number == 1 and raw.startswith(_BOM):
                    raw, start = raw[len(_BOM) :], len(_BOM)
                if not raw and offset == len(_BOM):
                    return  # nothing but the mark: no line
                raw = raw.removesuffix(b"\n").removesuffix(b"\r") if raw.endswith(b"\n") else raw
                yield _decode(raw, path, number, start)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}:{number + 1}: not a whole gzip file ({error}); fetch it again") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); correct the path or its permissions") from error


def _open(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _decode(raw: bytes, path: Path, number: int, start: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = start + error.start
        raise UserError(
            f"{path}:{number}: invalid UTF-8 at byte {byte} of the text (0x{raw[error.start]:02x}); "
            "convert the file to UTF-8, or remove the line from every language"
        ) from error


def read_aligned(
    name: str,
    split: str,
    files: Mapping[str, Path],
    progress: Progress = lambda what, lines: None,
    survives: Callable[[str], bool] = lambda line: True,
) -> AlignedText:
    """Return the table of the aligned *files* (language -> path); every line of every file is checked now.

    A line that does not pass *survives* (`normalisation.survival`) has no text, and a row with text in fewer than two
    languages is rejected. Raises UserError for an empty file, unequal numbers of lines, what `read_lines` refuses, and
    when no row is left.
    """
    columns = {language: _kinds(path, survives, progress) for language, path in files.items()}
    _check_equal_lengths(files, columns)
    kinds = np.stack([*columns.values()], axis=1)
    present = kinds == _TEXT
    kept = present.sum(axis=1) >= 2
    if not kept.any():
        first = next(iter(files.values()))
        raise UserError(f"{first}:1: no line from here on has text in two languages; check the files of {split!r}")
    place = np.cumsum(kept) - 1  # line -> row
    lost = {language: place[kept & (kinds[:, i] == _VANISHES)] for i, language in enumerate(files)}
    vanished = {language: rows for language, rows in lost.items() if len(rows)}
    account = Account(
        read=len(kept),
        kept=int(kept.sum()),
        rejected=_rejected(kinds[~kept]),
        gaps=count_gaps(tuple(files), present[kept], vanished),
    )

    def column(language: str) -> Iterator[str]:
        mine = present[:, list(files).index(language)]
        lines = compress(zip(read_lines(files[language]), mine, strict=True), kept)
        return (line if has_text else "" for line, has_text in lines)

    return AlignedText(name, split, tuple(files), present[kept], column, account, {"reader": "plain_text"}, vanished)


def _rejected(kinds: np.ndarray) -> dict[str, int]:
    """Return reason -> rows, for the kinds, (rows, languages), of rows without text in two languages."""
    given = (kinds != _BLANK).sum(axis=1)
    left = (kinds == _TEXT).sum(axis=1)
    rejected = {
        "empty in every language": int((given == 0).sum()),
        "in one language only": int(((given == 1) & (left == 1)).sum()),
        NOTHING_LEFT: int((given > left).sum()),
    }
    return {reason: n for reason, n in rejected.items() if n}


def _kinds(path: Path, survives: Callable[[str], bool], progress: Progress) -> np.ndarray:
    """Return what each line of *path* is, (lines,) uint8. Raises UserError for an empty file."""
    kinds = bytearray()
    for line in read_lines(path):
        kinds.append(_BLANK if not line.strip() else _TEXT if survives(line) else _VANISHES)
        if len(kinds) % _STEP == 0:
            progress(path.name, len(kinds))
    if not kinds:
        raise UserError(f"{path}:1: the file is empty; give a file with one sentence a line, or leave the language out")
    return np.frombuffer(bytes(kinds), dtype=np.uint8)


def _check_equal_lengths(files: Mapping[str, Path], columns: Mapping[str, np.ndarray]) -> None:
    shortest = min(columns, key=lambda language: len(columns[language]))
    longest = max(columns, key=lambda language: len(columns[language]))
    low, high = len(columns[shortest]), len(columns[longest])
    if low != high:
        raise UserError(
            f"{files[longest]}:{low + 1}: no counterpart for this line, {files[longest]} has {high} lines but "
            f"{files[shortest]} has {low}; aligned files must have equal numbers of lines"
        )
