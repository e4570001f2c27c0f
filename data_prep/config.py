"""What `mtdeep prepare` is told: one YAML file, checked as a whole, every problem with its line."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo

from data_prep.strict import LanguageCode, Strict
from mtdeep import yaml_lines
from mtdeep.errors import UserError
from mtdeep.languages import resolve

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_SPLIT = re.compile(r"[A-Za-z0-9_]+")


def expand(path: str) -> str:
    """Return *path* with ``${NAME}`` and ``${NAME:-default}`` taken from the environment, as a shell would.

    Raises ValueError for a variable that is neither set nor has a default.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1]) or match[2]
        if found is None:
            raise ValueError(f"environment variable {match[1]} is not set; set it, or write the path out")
        return found

    return _VARIABLE.sub(value, path)


def _is_split(name: str) -> str:
    if not _SPLIT.fullmatch(name):
        raise ValueError(f"split {name!r} must consist of letters, digits and underscores")
    return name


def _are_distinct(languages: list[str]) -> list[str]:
    _is_once(languages)
    return languages


def _is_once(codes: list[str]) -> None:
    seen: dict[str, str] = {}
    for code in codes:
        if resolve(code) in seen:
            raise ValueError(f"{code!r} is the same language as {seen[resolve(code)]!r}; name it once")
        seen[resolve(code)] = code


SplitName = Annotated[str, AfterValidator(_is_split)]
PathText = Annotated[str, AfterValidator(lambda path: (expand(path), path)[1])]
Languages = Annotated[list[LanguageCode], Field(min_length=2), AfterValidator(_are_distinct)]


class VocabularySettings(Strict):
    """The SentencePiece model. Every key but `size` has a default."""

    size: int = Field(ge=16, le=2_000_000)
    model_type: Literal["unigram", "bpe"] = "unigram"
    character_coverage: float = Field(default=0.9995, gt=0, le=1)
    byte_fallback: bool = False
    split_digits: bool = True
    normalization: Literal["nmt_nfkc", "nfkc", "identity"] = "nmt_nfkc"
    temperature: float = Field(default=1.0, ge=1)
    sample_lines: int = Field(default=2_000_000, ge=1)


class PlainText(Strict):
    """Files with one sentence a line, aligned over two or more languages."""

    reader: Literal["plain_text"]
    name: str = Field(min_length=1)
    languages: Languages | None = None
    splits: dict[SplitName, PathText | dict[LanguageCode, PathText]] = Field(min_length=1)
    holdout: dict[SplitName, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)

    @field_validator("splits")
    @classmethod
    def _check_patterns(cls, splits: dict[str, str | dict[str, str]]) -> dict[str, str | dict[str, str]]:
        for split, files in splits.items():
            if isinstance(files, str) and "{language}" not in files:
                raise ValueError(f"the pattern of split {split!r} needs {{language}} where the code stands: {files!r}")
            if isinstance(files, dict):
                if len(files) < 2:
                    raise ValueError(f"split {split!r} names {len(files)} file; two or more languages are needed")
                _is_once(list(files))
        return splits

    @model_validator(mode="after")
    def _check_together(self) -> PlainText:
        patterns = [split for split, files in self.splits.items() if isinstance(files, str)]
        if patterns and self.languages is None:
            raise ValueError(f"the pattern of split {patterns[0]!r} needs `languages`, a list of codes")
        if not patterns and self.languages is not None:
            raise ValueError("`languages` goes with a pattern; these splits name their files language by language")
        if self.holdout and "train" not in self.splits:
            raise ValueError("`holdout` takes lines from split 'train', which this corpus does not have")
        for split in self.holdout:
            if split in self.splits:
                raise ValueError(f"split {split!r} is both held out and read from files; choose one")
        return self

    def files(self, split: str) -> dict[str, str]:
        """Return canonical language code -> path of a split as the configuration gives it."""
        given = self.splits[split]
        if isinstance(given, str):
            given = {code: given.replace("{language}", code) for code in self.languages or []}
        return {resolve(code): path for code, path in given.items()}


class Cldr(Strict):
    """Phrases generated from CLDR. `lines` says how many rows each split gets."""

    reader: Literal["cldr"]
    name: str = Field(min_length=1)
    languages: Languages
    lines: dict[SplitName, Annotated[int, Field(ge=1)]] = Field(min_length=1)
    entities: int | None = Field(default=None, ge=5)

    @field_validator("languages")
    @classmethod
    def _check_locales(cls, languages: list[str]) -> list[str]:
        from data_prep.readers.cldr import babel_locale  # Babel, for the configurations that use it

        for code in languages:
            try:
                babel_locale(resolve(code))
            except UserError as error:
                raise ValueError(str(error)) from error
        return languages


Corpus = Annotated[PlainText | Cldr, Field(discriminator="reader")]


class Config(Strict):
    """A whole preparation. Paths in it are relative to the file's folder."""

    store: PathText
    seed: int = Field(default=1, ge=0)
    vocabulary: VocabularySettings
    corpora: list[Corpus] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_corpora(self) -> Config:
        names = [(corpus.name, split) for corpus in self.corpora for split in splits_of(corpus)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two corpora named {name[0]!r} have a split {name[1]!r}; rename one")
        if sum(isinstance(corpus, Cldr) for corpus in self.corpora) > 1:
            # Each would hold out lines that the other trains on.
            raise ValueError("two corpora with reader cldr; make them one with all the languages")
        if not any(split == "train" for _, split in names):
            raise ValueError("no corpus has a split 'train', which the vocabulary is learned from; add one")
        return self


def splits_of(corpus: PlainText | Cldr) -> list[str]:
    """Return the names of a corpus's splits in the order of the file."""
    return list(corpus.lines) if isinstance(corpus, Cldr) else [*corpus.splits, *corpus.holdout]


@dataclass(frozen=True)
class ConfigFile:
    """A checked configuration and where its keys stand."""

    path: Path
    config: Config
    lines: Mapping[yaml_lines.Location, int]

    def where(self, *place: str | int) -> str:
        """Return ``file:line`` of a key."""
        return f"{self.path}:{yaml_lines.line_of(place, self.lines)}"

    def resolved(self, path: str) -> Path:
        """Return a path of the configuration, relative ones from the file's folder."""
        return self.path.parent / expand(path)


def load_config(path: Path) -> ConfigFile:
    """Return the configuration in *path*.

    Raises UserError whose message holds every problem, one a line: file, line, what is wrong and how to mend it.
    """
    document, lines = yaml_lines.load(path)
    if not isinstance(document, dict):
        raise UserError(f"{path}:1: the configuration must be a mapping of keys (store, vocabulary, corpora)")
    try:
        loaded = ConfigFile(path, Config.model_validate(document), lines)
    except ValidationError as error:
        raise UserError("\n".join(_sentences(path, error, document, lines))) from error
    missing = [
        f"{loaded.where(*place)}: no file {file} for language {language!r}; correct the path"
        for place, language, file in _missing_files(loaded)
    ]
    if missing:
        raise UserError("\n".join(missing))
    return loaded


def _missing_files(loaded: ConfigFile) -> list[tuple[yaml_lines.Location, str, Path]]:
    return [
        (("corpora", i, "splits", split), language, loaded.resolved(given))
        for i, corpus in enumerate(loaded.config.corpora)
        if isinstance(corpus, PlainText)
        for split in corpus.splits
        for language, given in corpus.files(split).items()
        if not loaded.resolved(given).is_file()
    ]


def _sentences(
    path: Path, error: ValidationError, document: object, lines: dict[yaml_lines.Location, int]
) -> list[str]:
    found = []
    for problem in error.errors():
        if problem["type"] == "string_type" and isinstance(problem["input"], dict):
            continue  # the files of a split were no pattern; what is wrong with them as a mapping is told beside
        place = _in_document(problem["loc"], document, keep_last=problem["type"] == "missing")
        line = yaml_lines.line_of(place, lines)
        found.append((line, f"{path}:{line}: {_sentence(problem, place)}"))
    return [sentence for _, sentence in sorted(dict.fromkeys(found))]


def _in_document(location: tuple[int | str, ...], document: object, *, keep_last: bool) -> yaml_lines.Location:
    """Return pydantic's location without what is no key of the file: names of union members, "[key]"."""
    place: list[int | str] = []
    here: Any = document
    for i, step in enumerate(location):
        if step in _steps(here):
            here = here[step]
        elif not (keep_last and i == len(location) - 1):
            continue
        place.append(step)
    return tuple(place)


def _steps(node: Any) -> Iterable[Any]:
    match node:
        case dict():
            return node
        case list():
            return range(len(node))
    return ()


def _sentence(problem: Any, place: yaml_lines.Location) -> str:
    where = ".".join(map(str, place)) or "the configuration"
    match problem["type"]:
        case "missing":
            return f"key {place[-1]!r} is missing{_within(place[:-1])}; add it"
        case "extra_forbidden":
            names = list(_fields_at(problem["loc"]))
            close = difflib.get_close_matches(str(place[-1]), names, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"known keys are {', '.join(names)}"
            return f"unknown key {place[-1]!r}{_within(place[:-1])}; {hint}"
        case "union_tag_not_found":
            return f"key 'reader' is missing{_within(place)}; add it (plain_text or cldr)"
        case "union_tag_invalid":
            return f"unknown reader {problem['ctx']['tag']!r}{_within(place)}; choose plain_text or cldr"
        case "value_error":
            return f"{where}: {problem['ctx']['error']}"
    return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}, not {problem['input']!r}"


def _within(place: yaml_lines.Location) -> str:
    return f" in {'.'.join(map(str, place))}" if place else ""


def _fields_at(location: tuple[int | str, ...]) -> dict[str, FieldInfo]:
    """Return the fields of the model that refused the last step of *location*."""
    if location[0] == "vocabulary":
        return VocabularySettings.model_fields
    if location[0] == "corpora" and len(location) > 2:
        return Cldr.model_fields if "cldr" in location else PlainText.model_fields
    return Config.model_fields
