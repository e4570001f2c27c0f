"""Tables of names and counts that can be read at any width: no count is ever cut, and no column vanishes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Cell = str | int
Row = Sequence[Cell]
WIDTH_OF_A_LOG = 120
_NAME = 12
"""Characters that a column of names gets at least, where it has as many."""
_UNITS = "kMGT"


def console(file: TextIO | None = None) -> Console:
    """Return a console as wide as the terminal, or for a log `WIDTH_OF_A_LOG`; on standard output by default."""
    from rich.console import Console

    file = file or sys.stdout
    return Console(file=file, width=None if file.isatty() else WIDTH_OF_A_LOG, highlight=False)


def table_of(title: str, headers: Sequence[str], rows: Sequence[Row], width: int) -> Table:
    """Return a table for *width* characters; a column holds either names or counts.

    Names are folded to what room there is. Where that does not suffice the frame goes, then counts are written in four
    characters (`short`), then headers are folded.
    """
    from rich.table import Table

    framed = fits(headers, rows, width)
    room = width - _frame(headers, framed=framed)
    if not framed and sum(_needed(headers, rows)) > room:
        rows = [[Short(cell) if isinstance(cell, int) else cell for cell in row] for row in rows]
    needed = _needed(headers, rows)
    if sum(needed) > room:
        needed = _needed([""] * len(headers), rows)
    bare: dict[str, Any] = {} if framed else {"box": None, "padding": (0, 1, 0, 0)}
    table = Table(title=title, title_justify="left", **bare)
    for place, characters in enumerate(_shared(needed, _needed(headers, rows, name=width), room)):
        justify = "right" if _holds_counts(rows, place) else "left"
        table.add_column(headers[place], justify=justify, overflow="fold", width=characters)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*map(_written, row))
    return table


def fits(headers: Sequence[str], rows: Sequence[Row], width: int, *, name: int = _NAME) -> bool:
    """Tell whether a table has room in *width* characters, with *name* of them for the names of a column."""
    return sum(_needed(headers, rows, name=name)) + _frame(headers, framed=True) <= width


class Short(int):
    """A count that is written in at most four characters."""


def short(count: int) -> str:
    """Return a count below 10^15 in at most four characters: 987, and beyond two digits of it, 1.2k, 31k, 310k, 4.5M.

    Raises IndexError for larger ones.
    """
    if count < 1000:
        return str(count)
    digits, exponent = f"{count:.1e}".split("e")
    unit, shift = divmod(int(exponent), 3)
    number = float(digits) * 10**shift
    return f"{number:.0f}{_UNITS[unit - 1]}" if shift else f"{number:.1f}{_UNITS[unit - 1]}"


def _written(cell: Cell) -> str:
    match cell:
        case Short():
            return short(cell)
        case int():
            return f"{cell:,}"
    return cell


def _holds_counts(rows: Sequence[Row], place: int) -> bool:
    return bool(rows) and isinstance(rows[0][place], int)


def _frame(headers: Sequence[str], *, framed: bool) -> int:
    """Return the characters of a table's lines and blanks."""
    return 3 * len(headers) + 1 if framed else len(headers)


def _needed(headers: Sequence[str], rows: Sequence[Row], *, name: int = _NAME) -> list[int]:
    """Return the characters that each column needs so that nothing but names of more than *name* is folded."""
    needed = []
    for place, header in enumerate(headers):
        longest = max((len(_written(row[place])) for row in rows), default=1)
        needed.append(max(longest if _holds_counts(rows, place) else min(longest, name), len(header), 1))
    return needed


def _shared(needed: Sequence[int], wanted: Sequence[int], room: int) -> list[int]:
    """Return the width of each column: as much as it wants, as far as what others need leaves room."""
    widths = list(needed)
    spare = room - sum(widths)
    while spare > 0 and (hungry := [place for place, width in enumerate(widths) if width < wanted[place]]):
        for place in hungry[:spare]:
            widths[place] += 1
        spare -= len(hungry[:spare])
    return widths
