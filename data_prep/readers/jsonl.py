"""JSON lines: one object a line, a language a key; keys reach into objects by dots, as in Hugging Face's data sets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from data_prep.batch import Rejected
from data_prep.readers.columns import ColumnFile, row_of
from data_prep.readers.lines import split_lines
from data_prep.readers.opening import read_blocks
from data_prep.readers.rows import LONGEST, Item, Row, excerpt
from data_prep.readers.source import EmptySource
from mtdeep.errors import UserError

NO_JSON = "no JSON"


@dataclass(frozen=True)
class Jsonl(ColumnFile):
    """A file with one JSON object a line, plain or compressed.

    keys: language -> the key of its text; ``translation.en`` is the key ``translation.en``, or else ``en`` of the
    object ``translation``. A key that is missing or null is a gap.
    id, score: the keys of the row's name (a string or whole number) and score; without one they are empty and NaN.
    longest: bytes of the longest line that is read.
    """

    libraries: ClassVar[tuple[str, ...]] = ()
    path: Path
    keys: Mapping[str, str]
    id: str | None = None
    score: str | None = None
    longest: int = LONGEST

    @property
    def texts(self) -> Mapping[str, str]:
        """Return the keys."""
        return self.keys

    @property
    def nothing(self) -> EmptySource:
        """Return what to raise for a file without rows."""
        return EmptySource(str(self.path), "no row in it; give a file with one JSON object a line, or leave it out")

    def items(self) -> Iterator[Item]:
        """Yield a row a line. Raises UserError, once all is read, for one JSON value in place of one a line."""
        line = kept = 0
        first: tuple[str, Row | Rejected] | None = None  # the first line that is not empty, and its row
        for block in split_lines(read_blocks(self.path), self.path, self.longest):
            for i, text in enumerate(block.texts):
                line += 1
                row: Row | Rejected
                if damage := block.damage.get(i):
                    text = damage.excerpt
                    row = Rejected(damage.reason, f"line {line}", text)
                else:
                    row = self._row(text, f"line {line}")
                if first is None and text.strip():
                    first = text.lstrip()[:1], row
                kept += isinstance(row, Row)
                yield row
        if first:
            self._check_shape(*first, line, kept)

    def _check_shape(self, start: str, first: Row | Rejected, lines: int, kept: int) -> None:
        """Raise UserError where most lines are no rows because the file is one array, or one object over its lines."""
        if start == "[" and kept <= lines - kept:
            what, filter_ = "an array", ".[]"
        elif start == "{" and lines > 1 and not kept and isinstance(first, Rejected) and first.reason == NO_JSON:
            what, filter_ = "one object over several lines", "."
        else:
            return
        raise UserError(f"{self.path}:1: {what}, not one JSON object a line; convert it (jq -c '{filter_}' FILE > NEW)")

    def _row(self, line: str, place: str) -> Row | Rejected:
        try:
            given = json.loads(line, object_pairs_hook=_object)
        except _KeyTwice:
            return Rejected("a key twice in one JSON object", place, excerpt(line))
        except RecursionError:
            return Rejected("JSON nested too deeply", place, excerpt(line))
        except ValueError:  # also a number of thousands of digits
            return Rejected(NO_JSON if line.strip() else "empty line", place, excerpt(line))
        if not isinstance(given, dict):
            return Rejected("no JSON object", place, excerpt(line))
        texts = [_at(given, key) for key in self.keys.values()]
        name = _at(given, self.id) if self.id else None
        score = _at(given, self.score) if self.score else None
        return row_of(texts, name, score, place)


class _KeyTwice(Exception):
    """An object in which the second of two texts would silently take the place of the first."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _KeyTwice
    return made


def _at(given: Any, key: str) -> Any:
    """Return what stands at *key*, None where nothing does."""
    if not isinstance(given, dict):
        return None
    if key in given:
        return given[key]
    # "a.b.c" may be {"a": {"b.c": ...}} as well as {"a.b": {"c": ...}}
    for i, character in enumerate(key):
        if character == "." and key[:i] in given:
            return _at(given[key[:i]], key[i + 1 :])
    return None
