"""What `mtdeep prepare` is told: the keys of its YAML file, checked as a whole."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from data_prep.cleaning.settings import CleaningSettings
from data_prep.corpus_settings import TRAIN, AnyCorpus, CldrCorpus
from data_prep.strict import PathText, Strict
from data_prep.vocabulary_settings import VocabularySettings

_LEAST_MEMORY, _MOST_MEMORY = 64, 1_000_000_000  # megabytes with which the join over all rows works
_MEGABYTES = {"MB": 1, "GB": 1000}


def _is_memory(text: str) -> str:
    if not _LEAST_MEMORY <= float(text[:-2]) * _MEGABYTES[text[-2:]] <= _MOST_MEMORY:
        most = f"{_MOST_MEMORY // 1000:,}GB"
        raise ValueError(f"{text} is not from {_LEAST_MEMORY}MB to {most}; give what can be spared of it")
    return text


Memory = Annotated[str, Field(pattern=r"^\d+(\.\d+)?[MG]B$"), AfterValidator(_is_memory)]


class Deduplication(Strict):
    """Which of rows that say the same stays: that of the corpus named first, or the one with the best score."""

    keep: Literal["first", "best_score"] = "first"
    memory: Memory = "2GB"


class Config(Strict):
    """A whole preparation. Paths in it are relative to the file's folder.

    work: where what is half done is kept, and left for another preparation; by default it stands beside the store and
    goes when the store is there. leakage: what becomes of training sentences that are scored: they are removed, or
    merely counted.
    """

    store: PathText
    work: PathText | None = None
    seed: int = Field(default=1, ge=0)
    vocabulary: VocabularySettings
    cleaning: CleaningSettings = CleaningSettings()
    deduplication: Deduplication = Deduplication()
    leakage: Literal["remove", "report"] = "remove"
    corpora: list[AnyCorpus] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_corpora(self) -> Config:
        names = [(corpus.name, split) for corpus in self.corpora for split in corpus.split_names]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two corpora named {name[0]!r} have a split {name[1]!r}; rename one")
        if sum(isinstance(corpus, CldrCorpus) for corpus in self.corpora) > 1:
            # Each would hold out lines that the other trains on.
            raise ValueError("two corpora with reader cldr; make them one with all the languages")
        if not any(split == TRAIN for _, split in names):
            raise ValueError("no corpus has a split 'train', which the vocabulary is learned from; add one")
        if unknown := sorted(set(self.cleaning.corpora) - {name for name, _ in names}):
            raise ValueError(f"`cleaning.corpora` speaks of {unknown[0]!r}, and no corpus has that name; correct it")
        return self
