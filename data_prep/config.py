"""What `mtdeep prepare` is told: the keys of its YAML file, checked as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from data_prep.cleaning.settings import CleaningSettings
from data_prep.corpus_settings import TRAIN, AnyCorpus, CldrCorpus, CorpusSplit, FileCorpus, like_train
from data_prep.strict import PathText, PlacedError, Strict
from data_prep.vocabulary_settings import VocabularySettings

_LEAST_MEMORY, _MOST_MEMORY = 64, 1_000_000_000  # megabytes with which the join over all rows works
_MEGABYTES = {"MB": 1, "GB": 1000}


def _is_memory(text: str) -> str:
    if not _LEAST_MEMORY <= float(text[:-2]) * _MEGABYTES[text[-2:]] <= _MOST_MEMORY:
        most = f"{_MOST_MEMORY // 1000:,}GB"
        raise ValueError(f"{text} is not from {_LEAST_MEMORY}MB to {most}; give what can be spared of it")
    return text


Memory = Annotated[str, Field(pattern=r"^\d+(\.\d+)?[MG]B$"), AfterValidator(_is_memory)]


SHAPES_NOTHING = frozenset({"store", "work", "emptied"})
"""Keys whatever the value of which the store is the same."""


class Deduplication(Strict):
    """Which of rows that say the same stays: that of the corpus named first, or the one with the best score."""

    keep: Literal["first", "best_score"] = "first"
    memory: Memory = "2GB"


class Config(Strict):
    """A whole preparation. Paths in it are relative to the file's folder.

    work: where what is half done is kept, and left for another preparation; by default it stands beside the store and
    goes when the store is there. leakage: what becomes of training sentences that are scored: they are removed, or
    merely counted. emptied: what becomes of a run when nothing is in a file, or nothing is left of a corpus or
    a language that it read: it goes on, with a warning, or stops.
    """

    store: PathText
    work: PathText | None = None
    seed: int = Field(default=1, ge=0)
    vocabulary: VocabularySettings
    cleaning: CleaningSettings = CleaningSettings()
    deduplication: Deduplication = Deduplication()
    leakage: Literal["remove", "report"] = "remove"
    emptied: Literal["warn", "stop"] = "warn"
    corpora: list[AnyCorpus] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_corpora(self) -> Config:
        if twice := next(named_twice(self.corpora), None):
            raise PlacedError(twice[1], "corpora", twice[0])
        if sum(isinstance(corpus, CldrCorpus) for corpus in self.corpora) > 1:
            # Each would hold out lines that the other trains on.
            raise ValueError("two corpora with reader cldr; make them one with all the languages")
        if not any(TRAIN in corpus.split_names for corpus in self.corpora):
            raise self._without_train()
        if unknown := sorted(set(self.cleaning.corpora) - {corpus.name for corpus in self.corpora}):
            raise PlacedError(self._objection_to(unknown[0]), "cleaning", "corpora", unknown[0])
        return self

    def _without_train(self) -> PlacedError:
        lacks = "no corpus has a split 'train', which the vocabulary is learned from"
        for number, corpus in enumerate(self.corpora):
            if close := like_train(corpus.split_names):
                key = "lines" if isinstance(corpus, CldrCorpus) else "splits"
                return PlacedError(f"{lacks}; did you mean it by {close!r}?", "corpora", number, key, close)
        return PlacedError(f"{lacks}; add one")

    def _objection_to(self, name: str) -> str:
        """Return what is wrong with a name that no entry has."""
        many = [corpus.name for corpus in self.corpora if isinstance(corpus, FileCorpus) and corpus.pairs]
        if of := next((entry for entry in many if name.startswith(f"{entry}/")), None):
            return f"one of the pairs of {of!r}; name {of!r}, which is all of them, or the pair under `cleaning.pairs`"
        return "no corpus has that name; correct it"


def named_twice(corpora: Iterable[AnyCorpus]) -> Iterator[tuple[int, str]]:
    """Yield the numbers of corpora that have the name and a split of one before, and what to tell of each."""
    seen: set[CorpusSplit] = set()
    for number, corpus in enumerate(corpora):
        own = {(corpus.name, split): split for split in corpus.split_names}
        if both := [split for name, split in own.items() if name in seen]:
            yield number, f"two corpora named {corpus.name!r} have a split {both[0]!r}; rename one"
        seen |= own.keys()
