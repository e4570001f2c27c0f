"""Sentences of other splits that the training text has too: counted, and left where they are.

`splits.hold_out` keeps its own lines apart; test sets that come as files are taken as they are, and a score on a
sentence that was trained on says little. Each language is looked at by itself: in n-way data a sentence that meets
another translation in training is known all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from data_prep.duplicates.key import sentence_key
from data_prep.table import AlignedText


class TrainingOverlap:
    """Counts sentences of the other splits that pass by in training text; equal means by `duplicates.key.sentence_key`.

    Memory is that of the other splits' keys, 8 bytes a sentence before Python's own, however long the training text.
    """

    def __init__(self, tables: Sequence[AlignedText]) -> None:
        """Take the keys of every table that is not for training."""
        self._keys: dict[tuple[str, str], list[int]] = {}
        self._wanted: dict[str, set[int]] = {}
        self._seen: dict[str, set[int]] = {}
        trained = {language for table in tables if table.split == "train" for language in table.languages}
        for table in tables:
            if table.split == "train":
                continue
            for language in (language for language in table.languages if language in trained):
                keys = [sentence_key(line) for line in table.column(language) if line]
                self._keys.setdefault((table.split, language), []).extend(keys)
                self._wanted.setdefault(language, set()).update(keys)

    def watching(self, table: AlignedText) -> AlignedText:
        """Return a training *table* that is looked at while someone else reads its columns: no second reading."""

        def column(language: str) -> Iterator[str]:
            wanted = self._wanted.get(language)
            if not wanted:
                return table.column(language)
            return self._watch(language, table.column(language), wanted)

        return replace(table, column=column)

    def _watch(self, language: str, lines: Iterator[str], wanted: set[int]) -> Iterator[str]:
        seen = self._seen.setdefault(language, set())
        for line in lines:
            key = sentence_key(line)
            if key in wanted:
                seen.add(key)
            yield line

    def counts(self) -> dict[str, dict[str, int]]:
        """Return split -> language -> sentences that were seen in training, repeats included, without the zeros."""
        found: dict[str, dict[str, int]] = {}
        for (split, language), keys in self._keys.items():
            seen = self._seen.get(language, set())
            if number := sum(key in seen for key in keys):
                found.setdefault(split, {})[language] = number
        return found
