"""The configuration's file: every problem with its line, all in one message."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from data_prep.cleaning.settings import CleaningSettings
from data_prep.config import Config, named_twice
from data_prep.corpus_settings import EVERY_READER, AnyCorpus, CorpusSplit, FileCorpus, MtdataCorpus
from data_prep.environment import expand, is_utf8
from data_prep.input_files import objection_to
from data_prep.pair_corpora import pair_corpora
from data_prep.public.identifier import columns_of
from data_prep.read_twice import is_by_pattern, read_twice
from data_prep.readers.source import Source
from data_prep.strict import PlacedError, objection
from mtdeep import yaml_lines
from mtdeep.errors import UserError, shortened


@dataclass(frozen=True)
class ConfigFile:
    """A checked configuration and where its keys stand; no *lines*: it is what a store says of a step that made it.

    known: the splits that such a step read, without those of pairs of which files have come since.
    """

    path: Path
    config: Config
    lines: Mapping[yaml_lines.Location, int]
    known: frozenset[CorpusSplit] | None = None

    @cached_property
    def corpora(self) -> Sequence[tuple[int, AnyCorpus]]:
        """Return those that it means, each with its place among the configuration's, of which one with `pairs` is many.

        Raises UserError where the files of the pairs are not to be had, and for two corpora with one name.
        """
        corpora: list[tuple[int, AnyCorpus]] = []
        sentences = []
        for i, entry in enumerate(self.config.corpora):
            if not isinstance(entry, FileCorpus) or entry.pairs is None:
                corpora.append((i, entry))
                continue
            own, problems = pair_corpora(entry, self.resolved, self.known)
            corpora += [(i, corpus) for corpus in own]
            sentences += [f"{self.where('corpora', i, 'splits', split)}: {what}" for split, what in problems.items()]
        for n, what in named_twice(corpus for _, corpus in corpora):
            sentences.append(f"{self.where('corpora', corpora[n][0])}: {what}")
        if sentences:
            raise UserError("\n".join(sentences))
        return corpora

    @cached_property
    def _of_files(self) -> dict[CorpusSplit, Sequence[Source]]:
        """Return what is read of every split but those of public corpora: files are looked for once.

        Raises UserError for patterns that match no files that go together, and for a file that is read for training and
        scored, or twice.
        """
        found: dict[CorpusSplit, Sequence[Source]] = {}
        sentences = []
        places: dict[CorpusSplit, str] = {}
        for number, corpus, split in self._read_splits():
            if isinstance(corpus, MtdataCorpus):
                continue
            places[corpus.name, split] = self.where("corpora", number, "splits", split)
            try:
                found[corpus.name, split] = corpus.sources(split, self.resolved, self.config.seed)
            except ValueError as error:
                sentences.append(f"{places[corpus.name, split]}: {error}")
        by_pattern = frozenset((one.name, split) for _, one, split in self._read_splits() if is_by_pattern(one, split))
        sentences += [f"{places[name]}: {what}" for name, what in read_twice(found, by_pattern)]
        if sentences:
            raise UserError("\n".join(dict.fromkeys(sentences)))
        return found

    @cached_property
    def cleaning(self) -> CleaningSettings:
        """Return what rules go by: the configuration's settings, with the files that they name where these lie."""
        return self.config.cleaning.with_files(self.resolved)

    @property
    def left_out(self) -> list[str]:
        """Return a sentence for each corpus of which `languages: all` leaves files out."""
        sentences = []
        for _, corpus, split in self._read_splits():
            found = corpus.left_out(split, self.resolved) if isinstance(corpus, FileCorpus) else {}
            if found:
                files = shortened([f"{path} ({why})" for path, why in found.items()])
                sentences.append(f"left out, {corpus.name}, {split}, files of no language or a second time: {files}")
        return sentences

    def sources(self) -> Iterator[tuple[int, AnyCorpus, str, Source]]:
        """Yield every source with the place of its entry, its corpus and the split that is read from it.

        Those of public corpora are there once they were fetched (`public.fetch`).
        """
        for number, corpus, split in self._read_splits():
            for source in self._sources(corpus, split):
                yield number, corpus, split, source

    def languages(self) -> Iterator[tuple[AnyCorpus, str, Sequence[str]]]:
        """Yield the languages of every source of `sources`, with its corpus and split, fetched or not.

        The sources of one id of a public corpus have the same ones, and are one here.
        """
        for _, corpus, split in self._read_splits():
            if isinstance(corpus, MtdataCorpus):
                yield from ((corpus, split, columns_of(one, corpus.languages)) for one in corpus.ids(split))
            else:
                yield from ((corpus, split, source.languages) for source in self._sources(corpus, split))

    def files(self, *, fetched: bool = True) -> Iterator[tuple[yaml_lines.Location, str, Path]]:
        """Yield every input file: where it stands here, the name that a store has for it, and its path.

        Those of public corpora are among them once they were *fetched* (`public.fetch`).
        """
        for number, corpus in self.corpora:
            for split in corpus.split_names:
                name = f"{corpus.name}/{split}"
                if split not in corpus.holdout:
                    if fetched or not isinstance(corpus, MtdataCorpus):
                        files = [file for source in self._sources(corpus, split) for file in source.inputs]
                        place = "corpora", number, "splits", split
                        yield from ((place, f"{name}/{i}", file) for i, file in enumerate(files))
                elif isinstance(how := corpus.holdout[split], str):
                    yield ("corpora", number, "holdout", split), f"{name}/ids", self.resolved(how)
        for i, (key, model) in enumerate(self.cleaning.files()):
            yield ("cleaning", *key), f"identifier/{i}", Path(model)
        if given := self.config.vocabulary.model:
            yield ("vocabulary", "model"), "vocabulary/model", self.resolved(given)

    def _sources(self, corpus: AnyCorpus, split: str) -> Sequence[Source]:
        if isinstance(corpus, MtdataCorpus):  # there once they were fetched
            return corpus.sources(split, self.resolved, self.config.seed)
        return self._of_files[corpus.name, split]

    def _read_splits(self) -> Iterator[tuple[int, AnyCorpus, str]]:
        """Yield the splits that are not held out of another."""
        for number, corpus in self.corpora:
            yield from ((number, corpus, split) for split in corpus.split_names if split not in corpus.holdout)

    def where(self, *place: str | int) -> str:
        """Return ``file:line`` of a key."""
        line = f":{yaml_lines.line_of(place, self.lines)}" if self.lines else ", as the store has it"
        return f"{self.path}{line}"

    def resolved(self, path: str) -> Path:
        """Return a path of the configuration, relative ones from the file's folder."""
        return self.path.parent / expand(path)

    def public_corpora(self) -> dict[str, str]:
        """Return the id of every corpus that mtdata is to find, and ``file:line`` of where it is asked for."""
        return {
            identifier: self.where("corpora", number, "splits", split)
            for number, corpus in enumerate(self.config.corpora)
            if isinstance(corpus, MtdataCorpus)
            for split in corpus.splits
            for identifier in corpus.ids(split)
        }


def load_config(path: Path) -> ConfigFile:
    """Return the configuration in *path*.

    Raises UserError whose message holds every problem, one a line: file, line, what is wrong and how to mend it.
    """
    if not is_utf8(str(path)):
        raise UserError(f"{path}: no UTF-8 in its path, which not all that writes there can do; rename the folder")
    document, lines = yaml_lines.load(path)
    if not isinstance(document, dict):
        raise UserError(f"{path}:1: the configuration must be a mapping of keys (store, vocabulary, corpora)")
    try:
        loaded = ConfigFile(path, Config.model_validate(document), lines)
    except ValidationError as error:
        raise UserError("\n".join(_sentences(path, error, document, lines))) from error
    objections = ((place, objection_to(file)) for place, _, file in loaded.files(fetched=False))
    if sentences := [f"{loaded.where(*place)}: {objection}" for place, objection in objections if objection]:
        raise UserError("\n".join(sentences))
    return loaded


def _sentences(
    path: Path, error: ValidationError, document: object, lines: dict[yaml_lines.Location, int]
) -> list[str]:
    found = []
    for problem in error.errors():
        location = (*problem["loc"], *_place_below(problem))
        place = _in_document(location, document, keep_last=problem["type"] == "missing")
        line = yaml_lines.line_of(place, lines)
        found.append((line, f"{path}:{line}: {_sentence(problem, place)}"))
    return [sentence for _, sentence in sorted(dict.fromkeys(found))]


def _place_below(problem: Any) -> yaml_lines.Location:
    """Return where a problem stands below the part that found it."""
    error = problem.get("ctx", {}).get("error")
    return error.place if isinstance(error, PlacedError) else ()


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
            names = _keys_at(problem["loc"])
            close = difflib.get_close_matches(str(place[-1]), names, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"known keys are {', '.join(names)}"
            return f"unknown key {place[-1]!r}{_within(place[:-1])}; {hint}"
        case "union_tag_not_found":
            return f"key 'reader' is missing{_within(place)}; add it ({', '.join(EVERY_READER)})"
        case "union_tag_invalid":
            return f"unknown reader {problem['ctx']['tag']!r}{_within(place)}; choose one of {', '.join(EVERY_READER)}"
        case "value_error":
            return f"{where}: {problem['ctx']['error']}"
    return f"{where}: {objection(problem)}"


def _within(place: yaml_lines.Location) -> str:
    return f" in {'.'.join(map(str, place))}" if place else ""


def _keys_at(location: Sequence[int | str]) -> list[str]:
    """Return the keys of the model that refused the last step of *location*."""
    models: list[type[BaseModel]] = [Config]
    for step in location[:-1]:
        inner = [model.model_fields[step].annotation for model in models if step in model.model_fields]
        if inner:
            models = list(_models_in(inner))
        elif tagged := [model for model in models if step in get_args(_tag(model))]:
            models = tagged
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that stand anywhere in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in annotation if isinstance(annotation, list) else get_args(annotation):
        yield from _models_in(part)


def _tag(model: type[BaseModel]) -> Any:
    return model.model_fields["reader"].annotation if "reader" in model.model_fields else None
