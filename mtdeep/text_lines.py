"""Lines of a text file that a user names, or of standard input: UTF-8, and a line ends at a line feed alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from mtdeep.errors import UserError

STANDARD_INPUT = "-"


def read_lines(path: str, option: str) -> Iterator[str]:
    """Yield the lines of a file, or of standard input ("-"), as they come, without their line feeds.

    Raises UserError, in which *option* says what the file was given for: for one that cannot be read, and for bytes
    that are not UTF-8: replaced, they would be taken as if they had been meant.
    """
    with _opened(path, option) as file:
        for number, line in enumerate(file, 1):
            try:
                yield line.decode("utf-8").removesuffix("\n")
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{name_in_messages(path, option)}, line {number}: is not UTF-8 (byte {line[error.start]:#04x} at "
                    f"place {error.start + 1}); convert the text, such as with iconv."
                ) from None


def name_in_messages(path: str, option: str) -> str:
    """Return what messages call a file that was given for an option."""
    return "standard input" if path == STANDARD_INPUT else f"{option} {path}"


def _opened(path: str, option: str) -> AbstractContextManager[BinaryIO]:
    if path == STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UserError(f"{option} {path}: cannot be read ({error.strerror}); give a text file.") from None
