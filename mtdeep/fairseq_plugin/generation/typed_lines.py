"""Lines that a person or a program types for fairseq-interactive: UTF-8, and a line ends at a line feed alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from mtdeep.errors import UserError

STANDARD_INPUT = "-"
_BYTE_ORDER_MARK = "\ufeff"


def buffered_read(input: str, buffer_size: int) -> Iterator[list[str]]:
    """Yield the lines of a file, or of standard input ("-"), *buffer_size* at a time, without white space around them.

    Raises UserError for a file that cannot be read, and for bytes that are not UTF-8: replaced, they would be
    translated as if they had been meant.
    """
    lines = read_lines(input)
    while buffer := list(islice(lines, max(1, buffer_size))):
        yield buffer


def read_lines(input: str) -> Iterator[str]:
    """Yield the lines one by one, as they come."""
    name = "standard input" if input == STANDARD_INPUT else input
    with _opened(input) as file:
        for number, line in enumerate(file, 1):
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{name}, line {number}: is not UTF-8 (byte {line[error.start]:#04x} at place {error.start + 1}); "
                    "convert the text, such as with iconv."
                ) from None
            yield (text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text).strip()


def _opened(input: str) -> AbstractContextManager[BinaryIO]:
    if input == STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(input).open("rb")
    except OSError as error:
        raise UserError(f"--input {input}: cannot be read ({error.strerror}); give a text file.") from None
