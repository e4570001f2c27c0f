"""The built-in corpus as a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from data_prep.batch import Batch
from data_prep.engine.libraries import UNICODE
from data_prep.readers.cldr.generate import generate


@dataclass(frozen=True)
class CldrPhrases:
    """One split of the phrases that `generate` makes.

    languages: canonical codes. lines: split -> number of rows, all the splits, because what is held out for one is kept
    from the others. entities: how many entities of each kind are used. name: what errors call the corpus.
    """

    libraries: ClassVar[tuple[str, ...]] = ("babel", UNICODE)
    languages: tuple[str, ...]
    lines: Mapping[str, int]
    split: str
    seed: int = 1
    entities: int | None = None
    name: str = "cldr"

    @property
    def inputs(self) -> Sequence[Path]:
        """Return no file: Babel's data come with its version."""
        return ()

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches; draws that gave no row are counted in the last. Raises UserError as `generate` does."""
        made = generate(self.name, self.languages, self.lines, self.seed, entities=self.entities)
        phrases = next(one for one in made if one.split == self.split)
        for first in range(0, len(phrases.rows), rows):
            texts = zip(*phrases.rows[first : first + rows], strict=True)
            counts = phrases.rejected if first + rows >= len(phrases.rows) else {}
            yield Batch(first, dict(zip(self.languages, texts, strict=True)), counts=dict(counts))
