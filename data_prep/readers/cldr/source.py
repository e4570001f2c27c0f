"""The built-in corpus as a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from data_prep.batch import Batch
from data_prep.readers.cldr.generate import generate


@dataclass(frozen=True)
class CldrPhrases:
    """One split of the phrases that `generate` makes.

    languages: canonical codes. lines: split -> number of rows, all the splits, because what is held out for one is kept
    from the others. entities: how many entities of each kind are used.
    """

    languages: tuple[str, ...]
    lines: Mapping[str, int]
    split: str
    seed: int = 1
    entities: int | None = None

    @property
    def inputs(self) -> Sequence[Path]:
        """Return no file: Babel's data come with its version."""
        return ()

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches; draws that gave no row are counted in the last. Raises UserError as `generate` does."""
        made = generate("cldr", self.languages, self.lines, self.seed, entities=self.entities)
        table = next(table for table in made if table.split == self.split)
        columns = {language: table.column(language) for language in self.languages}
        for first in range(0, table.rows, rows):
            texts = {language: list(islice(column, rows)) for language, column in columns.items()}
            counts = table.account.rejected if first + rows >= table.rows else {}
            yield Batch(first, texts, counts=dict(counts))
