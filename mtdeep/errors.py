"""The one exception for problems that the user can cause and mend, and how its sentences stay short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar


class UserError(Exception):
    """A problem in the user's input, told in one sentence: where it is and how to mend it.

    Commands print the sentence on standard error and exit with code 2; no traceback. Anything else that goes wrong
    is a defect of the program and keeps its traceback.
    """

    exit_code: ClassVar[int] = 2


class PassingTrouble(UserError):
    """A problem that may be over when the same command is given again: a machine that has not come, a port in use."""

    exit_code: ClassVar[int] = 75  # EX_TEMPFAIL of sysexits.h


class DamagedFile(UserError):
    """A file that is not all there, or not what was written."""


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


def nearest(name: str, known: Iterable[str], shown: int = 1) -> str:
    """A hint at the known names that are most like one that is not known; empty where none is like it."""
    matches = get_close_matches(name, [*known], n=shown)
    return f" (did you mean {', '.join(map(repr, matches))}?)" if matches else ""
