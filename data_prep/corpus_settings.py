"""What the configuration says of a corpus: where it is read from, and what becomes of its rows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from data_prep.corpus_values import (
    AllOrLanguages,
    HeldOut,
    Languages,
    Name,
    Options,
    Pairs,
    Read,
    Rows,
    SplitName,
    as_list,
    is_all,
)
from data_prep.environment import expand
from data_prep.file_patterns import SOURCE, TARGET
from data_prep.many_files import EXAMPLES, EveryLanguage, every_language, expanded
from data_prep.pairs import ALL, LanguagePair, paths_in
from data_prep.public.identifier import columns_of
from data_prep.public.reading import sources_of
from data_prep.public.record import record_of
from data_prep.readers.source import Source
from data_prep.sources import PATTERN, READERS, make_source, reads_by_language, takes_languages
from data_prep.strict import PlacedError, Strict
from mtdeep.errors import UserError
from mtdeep.languages import resolve

TRAIN = "train"
"""The split that is trained on; every other one is scored."""
At = Callable[[str], Path]
CorpusSplit = tuple[str, str]
"""The name of a corpus and of a split of it, which no other has."""


def like_train(splits: Iterable[str]) -> str | None:
    """Return the split whose name is likely a misspelt `train`, None where there is none."""
    spelt = {split.lower(): split for split in splits}
    return next((spelt[close] for close in difflib.get_close_matches(TRAIN, spelt, n=1)), None)


class Corpus(Strict):
    """What every corpus has, whatever it is read from.

    clean: whether its training rows are; deduplicate: whether rows that repeat others leave it, and with `near` those
    that nearly do; near_leaks: whether sentences that merely resemble scored ones leave them, beside those that are
    equal.
    """

    name: Name
    reader: str
    origin: Literal["human", "mined", "back_translated"] = "human"
    licence: str | None = None
    url: str | None = None
    clean: bool = True
    deduplicate: bool | Literal["near"] = True
    near_leaks: bool = True

    @property
    def entry(self) -> str:
        """Return the name that the configuration has for it."""
        return self.name

    def provenance(self, split: str) -> dict[str, Any]:
        """Return what the store says of where a split comes from; None is for what nobody said."""
        return {"reader": self.reader, "origin": self.origin, "licence": self.licence, "url": self.url}


class SplitCorpus(Corpus):
    """A corpus whose splits are read; `holdout` takes rows out of its training split."""

    languages: Languages | None = None
    holdout: dict[SplitName, HeldOut] = Field(default_factory=dict)
    if TYPE_CHECKING:
        splits: Mapping[str, Any]  # a field of each, behind what it is checked with: pydantic checks in this order

    @model_validator(mode="after")
    def _can_hold_out(self) -> SplitCorpus:
        if self.holdout and TRAIN not in self.splits:
            lacks = "`holdout` takes rows from split 'train', which this corpus does not have"
            if close := like_train(self.splits):
                raise PlacedError(f"{lacks}; did you mean it by {close!r}?", "splits", close)
            raise ValueError(f"{lacks}; add it, or leave `holdout` out")
        for split in self.holdout:
            if split in self.splits:
                raise ValueError(f"split {split!r} is both held out and read from files; choose one")
        shares = [share for share in self.holdout.values() if isinstance(share, float)]
        if sum(shares) >= 1:
            raise ValueError(f"`holdout` takes {sum(shares):g} of the rows, which leaves none for training; take less")
        return self

    @property
    def split_names(self) -> Sequence[str]:
        """Return all splits, in the order of the file."""
        return [*self.splits, *self.holdout]


class FileCorpus(SplitCorpus):
    """A corpus that is read from files.

    With `pairs` it is many corpora, one a pair of languages (`pair_corpora`), and all that is said holds for each.
    """

    reader: Literal[
        "plain_text", "tsv", "jsonl", "tmx", "wmt_xml", "wmt_sgm", "xliff", "moses_zip", "gettext", "parquet", "store"
    ]
    languages: AllOrLanguages | None = None
    pairs: Pairs | None = None
    splits: dict[SplitName, Read] = Field(min_length=1)

    @field_validator("splits")
    @classmethod
    def _can_be_read(cls, splits: dict[str, Read], info: ValidationInfo) -> dict[str, Read]:
        if {"reader", "languages", "pairs"} <= info.data.keys():
            for split, given in splits.items():
                try:
                    _check_read(info.data["reader"], given, info.data["languages"], info.data["pairs"])
                except ValueError as error:
                    raise ValueError(f"split {split!r}: {error}") from error
        return splits

    @model_validator(mode="after")
    def _go_together(self) -> FileCorpus:
        if is_all(self.languages) and self.pairs:
            raise ValueError("`pairs` have all languages that there are files of; leave `languages: all` out")
        if self.languages and self.pairs not in (None, ALL):
            raise ValueError("`languages` chooses among `pairs: all`; a list of pairs has its languages itself")
        asks = self.pairs or any(PATTERN in str(one) or _is_path(one) for one in _every(self.splits))
        if self.languages and not asks and not takes_languages(self.reader):
            raise ValueError("`languages` goes with a pattern; these splits name their files language by language")
        return self

    def sources(self, split: str, at: At, seed: int) -> list[Source]:
        """Return what a split is read from; *at* makes paths of what the file says.

        Raises ValueError, in one sentence, where patterns match no files that go together.
        """
        if is_all(self.languages):
            return [source for found in self._every_language(split, at) for source in found.sources]
        made = _sources(self.reader, self.splits[split], self.languages, at)
        return [source for one in made for source in expanded(one, at(""))]

    def left_out(self, split: str, at: At) -> dict[Path, str]:
        """Return the files that `languages: all` leaves out of a split, and why."""
        every = self._every_language(split, at) if is_all(self.languages) else ()
        return {path: why for found in every for path, why in found.left_out.items()}

    def _every_language(self, split: str, at: At) -> list[EveryLanguage]:
        return [every_language(self.reader, given, at) for given in as_list(self.splits[split])]


class PairCorpus(FileCorpus):
    """One pair of a corpus of many: what stands in the configuration for each of them, with this one's codes."""

    of: str

    @property
    def entry(self) -> str:
        """Return the name that the configuration has for all pairs."""
        return self.of


class MtdataCorpus(SplitCorpus):
    """A public corpus, or several: each split is read from what mtdata's ids stand for, in the ids' languages.

    languages: what these are called here, where it is not what the ids say (`zh-Hant` for `zho`).
    """

    reader: Literal["mtdata"]
    splits: dict[SplitName, str | list[str]] = Field(min_length=1)

    @field_validator("splits")
    @classmethod
    def _are_ids(cls, splits: dict[str, str | list[str]], info: ValidationInfo) -> dict[str, str | list[str]]:
        languages = info.data.get("languages")
        used: set[str] = set()
        for split, given in splits.items():
            if not given:
                raise ValueError(f"split {split!r} names no id of mtdata; give one, or leave the split out")
            for identifier in as_list(given):
                try:
                    used.update(columns_of(identifier, languages))
                except ValueError as error:
                    raise ValueError(f"split {split!r}: {error}") from error
        if unused := [code for code in languages or () if resolve(code) not in used]:
            raise ValueError(f"no id has the language {unused[0]!r} of `languages`; correct it, or leave it out")
        return splits

    def ids(self, split: str) -> list[str]:
        """Return the ids of a split; those of the training split for one that is held out."""
        return as_list(self.splits[TRAIN if split in self.holdout else split])

    def sources(self, split: str, at: At, seed: int) -> list[Source]:
        """Return what a split is read from, once it was fetched (`public.fetch`)."""
        return [
            source
            for identifier in self.ids(split)
            for source in sources_of(record_of(identifier), columns_of(identifier, self.languages))
        ]

    def provenance(self, split: str) -> dict[str, Any]:
        """Return what the configuration says of where a split comes from, and what mtdata does."""
        entries = [record_of(identifier).entry for identifier in self.ids(split)]
        said = super().provenance(split)
        urls = list(dict.fromkeys(url for entry in entries for url in entry.urls))
        citations = list(dict.fromkeys(citation for entry in entries for citation in entry.citations))
        return {**said, "url": said["url"] or " ".join(urls), "ids": self.ids(split), "citations": citations}


class CldrCorpus(Corpus):
    """Phrases generated from CLDR. `lines` says how many rows each split gets."""

    reader: Literal["cldr"]
    clean: bool = False
    deduplicate: bool | Literal["near"] = False
    near_leaks: bool = False
    languages: Languages
    lines: dict[SplitName, Rows] = Field(min_length=1)
    entities: int | None = Field(default=None, ge=5)

    @field_validator("languages")
    @classmethod
    def _have_locales(cls, languages: list[str]) -> list[str]:
        from data_prep.readers.cldr import babel_locale  # Babel, for the configurations that use it

        if len(languages) < 2:
            raise ValueError("phrases are aligned; name two or more languages")
        for code in languages:
            try:
                babel_locale(resolve(code))
            except UserError as error:
                raise ValueError(str(error)) from error
        return languages

    @property
    def split_names(self) -> Sequence[str]:
        """Return all splits, in the order of the file."""
        return list(self.lines)

    @property
    def holdout(self) -> dict[str, Any]:
        """Return nothing: what is held out is generated as such."""
        return {}

    def sources(self, split: str, at: At, seed: int) -> list[Source]:
        """Return what a split is read from."""
        options: dict[str, Any] = {"lines": self.lines, "split": split, "seed": seed, "entities": self.entities}
        options["name"] = self.name
        return _sources(self.reader, options, self.languages, at)


AnyCorpus = Annotated[FileCorpus | CldrCorpus | MtdataCorpus, Field(discriminator="reader")]
EVERY_READER = (*READERS, "mtdata")
"""What `reader` may be."""


def _check_read(reader: str, given: Read, languages: Sequence[str] | None, pairs: Any) -> None:
    """Raise ValueError for what no reader can be made of; patterns of pairs are tried with one."""
    if pairs is None and any(place in str(given) for place in (SOURCE, TARGET)):
        raise ValueError(f"a pattern with {SOURCE} or {TARGET} in it needs `pairs`, a list of them or {ALL}")
    if is_all(languages):
        if not reads_by_language(reader) or not all(PATTERN in _files(one) for one in as_list(given)):
            raise ValueError(
                f"`languages: {ALL}` needs a file for each language, and a path with {PATTERN} where its code stands; "
                "list the codes, or give such a path"
            )
        languages = EXAMPLES
    if pairs is not None:
        for one in as_list(given):
            paths_in(one)
        example = LanguagePair("en", "de")
        given, languages = example.filled(given), [example.source, example.target]
    _sources(reader, given, languages, lambda path: Path(expand(path)))


def _sources(reader: str, given: Read, languages: Sequence[str] | None, at: At) -> list[Source]:
    return [make_source(reader, one, languages or (), at) for one in as_list(given)]


def _every(splits: Mapping[str, Read]) -> Iterator[Options]:
    """Yield what is read, one after another."""
    for given in splits.values():
        yield from as_list(given)


def _files(given: Options) -> str:
    """Return the path in which `{language}` stands, nothing where there is none."""
    files = given.get("files") if isinstance(given, dict) else given
    return files if isinstance(files, str) else ""


def _is_path(given: Options) -> bool:
    """Tell whether one path is given, whose language must be said elsewhere."""
    return isinstance(given, str) or isinstance(given.get("files"), str)
