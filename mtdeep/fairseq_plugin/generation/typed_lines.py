"""Lines that a person or a program types for fairseq-interactive."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mtdeep.text_lines import read_lines

_BYTE_ORDER_MARK = "\ufeff"


def buffered_read(input: str, buffer_size: int) -> Iterator[list[str]]:
    """Yield the lines of a file, or of standard input ("-"), *buffer_size* at a time, without white space around them.

    Raises UserError for a file that cannot be read, and for bytes that are not UTF-8.
    """
    lines = _stripped(input)
    while buffer := list(islice(lines, max(1, buffer_size))):
        yield buffer


def _stripped(input: str) -> Iterator[str]:
    for number, line in enumerate(read_lines(input, "--input")):
        yield (line if number else line.removeprefix(_BYTE_ORDER_MARK)).strip()
