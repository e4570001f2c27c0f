"""Small text files that a user writes, one entry a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mtdeep.errors import UserError

Entry = TypeVar("Entry")


def read_entries(path: Path, form: str, parse: Callable[[str], Entry]) -> list[Entry]:
    """What *parse* makes of each line of a file; `#` starts a comment, and empty lines are passed over.

    Raises `UserError`: for a file that cannot be read, whose lines should have been of *form*; for one that is not
    UTF-8; and with file and line what *parse* raises.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give a file with {form}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    entries = []
    for number, line in enumerate(lines, start=1):
        text = line.split("#", 1)[0].strip()
        if text:
            try:
                entries.append(parse(text))
            except UserError as error:
                raise UserError(f"{path}:{number}: {error}") from None
    return entries
