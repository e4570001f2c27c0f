"""Entries of a file that must be of some type each: what is not is told in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral

from mtdeep.checkpoint.recorded_arguments import entries
from mtdeep.errors import UserError


class TypedEntries:
    """Typed access to entries by their names; one that is not there, or an empty text, is None.

    Entries of another type are gathered, and told by `check` in one sentence.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values
        self._problems: list[str] = []

    def dictionary(self, name: str) -> dict[str, object]:
        """Return a dictionary; an empty one where there is none."""
        value = self.values.get(name)
        if not isinstance(value, Mapping):
            self._expect_none(name, "a dictionary")
        return entries(value)

    def text(self, name: str) -> str | None:
        """Return a text."""
        value = self.values.get(name)
        if isinstance(value, str):
            return value or None
        self._expect_none(name, "a text")
        return None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; none where there is no list."""
        value = self.values.get(name)
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self._expect_none(name, "a list of texts")
        return ()

    def whole_number(self, name: str) -> int | None:
        """Return a whole number, of Python or of numpy."""
        value = self.values.get(name)
        if isinstance(value, Integral) and not isinstance(value, bool):
            return int(value)
        self._expect_none(name, "a whole number")
        return None

    def check(self) -> None:
        """Raise UserError for the entries that were of another type."""
        if self._problems:
            raise UserError(
                f"what it records of its training is damaged: {'; '.join(self._problems)}; give the file as "
                "fairseq-train wrote it."
            )

    def _expect_none(self, name: str, kind: str) -> None:
        value = self.values.get(name)
        if value is not None:
            self._problems.append(f"{name} is not {kind} but of type {type(value).__name__}")
