"""The one exception for problems that the user can cause and mend, and how its sentences stay short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class UserError(Exception):
    """A problem in the user's input, told in one sentence: where it is and how to mend it.

    Commands print the sentence on standard error and exit with code 2; no traceback. Anything else that goes wrong
    is a defect of the program and keeps its traceback.
    """


@contextmanager
def in_file(path: Path | str) -> Iterator[None]:
    """Put the file before a `UserError` about something in it, which may show values that take several lines."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{path}: {' '.join(str(error).splitlines())}") from None


def shortened(names: Sequence[str], shown: int = 5) -> str:
    """The first few names, and how many more there are."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest:,} more" if rest > 0 else "")
