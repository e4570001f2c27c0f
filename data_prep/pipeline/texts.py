"""What the steps of a preparation hand to one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from data_prep.account import Ledger
from data_prep.cleaning.cleaner import ALONE
from data_prep.cleaning.record import Sample
from data_prep.cleaning.remedy import remedy
from data_prep.config_file import ConfigFile
from data_prep.corpus_settings import TRAIN, AnyCorpus, CorpusSplit
from data_prep.engine.pool import Pool
from data_prep.engine.task import Result
from data_prep.stages.encode import KEPT
from data_prep.stages.part import Part

Samples = dict[str, dict[str, list[Sample]]]
"""Reason -> language -> samples."""


@dataclass(frozen=True)
class Run:
    """What every step needs: the configuration, the digests of its input files, and where work is done."""

    loaded: ConfigFile
    digests: Mapping[Path, str]
    pool: Pool


class EmptyFile(NamedTuple):
    """A file in which nothing is of what is asked for: its path, its name beside the configuration, and the reason."""

    path: Path
    name: str
    why: str


@dataclass(frozen=True)
class Piece:
    """A part, what it was made from (for the keys of what is made of it), and what was selected of it, if it was."""

    part: Part
    identity: tuple[Any, ...]
    selected: Result | None = None

    @property
    def kept(self) -> Result:
        """Return what was selected; it must have been."""
        assert self.selected is not None
        return self.selected

    @property
    def stored(self) -> Piece:
        """Return what was selected as a part to compare others with, of which it is the one that stays."""
        part = Part(self.part.chunk, self.part.languages, cells=self.kept.folder / KEPT, rank=-1)
        return Piece(part, (*self.identity, self.kept.key), self.selected)


@dataclass(frozen=True)
class SplitText:
    """One split of a corpus on its way to the store. Its place in the configuration is corpora[*number*].

    readings, cleanings: the records of its sources and of their chunks (`stages.read`, `stages.clean`), for the report.
    empty: its files in which nothing is.
    added: the languages that join a split which a store has; none where the split is new.
    samples: of what left it because it is known from elsewhere, each beside that.
    """

    number: int
    corpus: AnyCorpus
    split: str
    pieces: tuple[Piece, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)
    readings: tuple[Mapping[str, Any], ...] = ()
    cleanings: tuple[Mapping[str, Any], ...] = ()
    empty: tuple[EmptyFile, ...] = ()
    added: tuple[str, ...] = ()
    samples: Samples = field(default_factory=dict)

    @property
    def name(self) -> CorpusSplit:
        """Return the names of corpus and split, which no other text has."""
        return self.corpus.name, self.split

    @property
    def written(self) -> tuple[str, ...]:
        """Return the languages whose sentences go into the store."""
        return self.added or self.languages

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the languages of all pieces, in order."""
        return tuple(dict.fromkeys(language for piece in self.pieces for language in piece.part.languages))

    @property
    def trained(self) -> bool:
        """Return whether it is trained on; others are scored."""
        return self.split == TRAIN

    @property
    def cleaned(self) -> bool:
        """Return whether the rules look at it."""
        return self.trained and self.corpus.clean

    @property
    def least(self) -> int:
        """Return how many sentences a row must have; one that stands in a store has them."""
        return 1 if self.added else min(2, len(self.languages))

    def __str__(self) -> str:
        return f"{self.corpus.name}, {self.split}"


def what_is_left(texts: Sequence[SplitText]) -> str:
    """Return, for an error that too few rows may have caused, how many are left and why most of the others went."""
    lost = [text.ledger.lost() for text in texts]
    read = sum(rows for rows, _ in lost)
    reasons = sum((reasons for _, reasons in lost), Counter[str]())
    left = f"{read - reasons.total():,} of the {read:,} rows of training text that were read are left"
    if not reasons:
        return left
    ((reason, count),) = reasons.most_common(1)
    return f"{left}; lost above all: {count:,} {reason}{most_sentences(texts)}"


def most_sentences(texts: Sequence[SplitText]) -> str:
    """Return why most sentences went: a row goes since too few are left in it, whatever rule took the others."""
    return "".join(f"; of sentences {count:,} {reason}" for reason, count in _main_reason(texts))


def mended(texts: Sequence[SplitText]) -> str:
    """Return what to write in the configuration where the rule that took most sentences is wrong, or nothing."""
    return "".join(remedy(reason, _languages_hit(texts, reason)) for reason, _ in _main_reason(texts))


def _main_reason(texts: Sequence[SplitText]) -> list[tuple[str, int]]:
    """Return the reason that took most sentences, and how many, in a list that is empty where none is lost."""
    reasons = sum((text.ledger.lost_sentences() for text in texts), Counter[str]())
    del reasons[ALONE]
    return reasons.most_common(1)


def _languages_hit(texts: Sequence[SplitText], reason: str) -> list[str]:
    return list(dict.fromkeys(code for text in texts for code in text.ledger.languages_hit(reason)))
