"""What decides a store beside its settings and inputs: the code of the steps, the libraries, what nobody has said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from data_prep.cleaning.cleaner import Cleaner
from data_prep.cleaning.settings import BUILT_IN_VALUES
from data_prep.config import SHAPES_NOTHING
from data_prep.config_file import ConfigFile
from data_prep.corpus_settings import TRAIN
from data_prep.duplicates.leakage import NEAR
from data_prep.engine import libraries
from data_prep.engine.task import Step
from data_prep.readers.source import Source
from data_prep.sources import READERS
from data_prep.stages.clean import CLEAN_STEP
from data_prep.stages.encode import ENCODE_STEP
from data_prep.stages.hold_out import HOLD_OUT_STEP
from data_prep.stages.leaks import INDEX_STEP, LEAKS_STEP, SIGNING, WITHOUT_MET_STEP
from data_prep.stages.learn import LEARN_STEP, learning_libraries
from data_prep.stages.near_repeats import NEAR_REPEATS_STEP, SIGN_STEP
from data_prep.stages.read import READ_STEP, reading_libraries
from data_prep.stages.sample import SAMPLE_STEP
from data_prep.stages.select import REPEATS_STEP, SELECT_STEP
from data_prep.stages.widen import WIDEN_STEP

ALWAYS = (
    READ_STEP, CLEAN_STEP, HOLD_OUT_STEP, INDEX_STEP, LEAKS_STEP, WITHOUT_MET_STEP, REPEATS_STEP, SELECT_STEP,
    SAMPLE_STEP, LEARN_STEP, ENCODE_STEP, WIDEN_STEP,
)  # fmt: skip
NEAR_REPEATS = (SIGN_STEP, NEAR_REPEATS_STEP)
_READER_OF: Mapping[type[Source], str] = {kind: name for name, kind in READERS.items()}
_SHAPES_NOTHING = SHAPES_NOTHING | {"deduplication.memory"}


def revisions(loaded: ConfigFile) -> dict[str, int]:
    """Return the revisions of the steps that a configuration takes, by their names."""
    return {step.name: step.revision for step in _steps(loaded)}


def versions(loaded: ConfigFile) -> dict[str, str]:
    """Return the versions of the libraries that these steps use for its corpora and settings."""
    used = {library for step in _steps(loaded) for library in step.libraries}
    for _, corpus, split, source in loaded.sources():
        used.update(reading_libraries(source))
        if corpus.clean and split == TRAIN:
            used.update(Cleaner(loaded.cleaning, corpus.entry, source.languages).libraries)
        if corpus.near_leaks or corpus.deduplicate == NEAR:
            used.update(SIGNING)
    return libraries.versions(used.union(learning_libraries(loaded.config.vocabulary)))


def defaults(loaded: ConfigFile) -> dict[str, Any]:
    """Return as plain data the value of every key that a configuration leaves out, by the key's name.

    Of a corpus and of its reader's options they are those of the kind (`tmx.near_leaks`, `tmx.variants`).
    """
    config = loaded.config
    found = _unsaid(config)
    found |= _unsaid(config.vocabulary, "vocabulary.") | _unsaid(config.deduplication, "deduplication.")
    said = config.cleaning.default.said()
    rules = {key: value for key, value in BUILT_IN_VALUES.items() if key not in said}
    found |= {".".join(filter(None, ("cleaning", *key))): value for key, value in rules.items()}
    for _, corpus, _, source in loaded.sources():
        found |= _of_kind(type(corpus), f"{corpus.reader}.")
        found |= {f"{_READER_OF[type(source)]}.{name}": value for name, value in _of_options(source)}
    plain: dict[str, Any] = to_jsonable_python({key: found[key] for key in sorted(found.keys() - _SHAPES_NOTHING)})
    return plain


def _steps(loaded: ConfigFile) -> Iterator[Step]:
    yield from ALWAYS
    if any(corpus.deduplicate == NEAR for _, corpus in loaded.corpora):
        yield from NEAR_REPEATS


def _unsaid(model: BaseModel, prefix: str = "") -> dict[str, Any]:
    every = _of_kind(type(model), prefix)
    return {key: value for key, value in every.items() if key.removeprefix(prefix) not in model.model_fields_set}


def _of_kind(kind: type[BaseModel], prefix: str) -> dict[str, Any]:
    """Return the defaults of a model's own keys, but for those that are models, whose keys are told by themselves."""
    values = {
        name: field.get_default(call_default_factory=True)
        for name, field in kind.model_fields.items()
        if not field.is_required()
    }
    return {prefix + name: value for name, value in values.items() if not isinstance(value, BaseModel)}


def _of_options(source: Source) -> Iterator[tuple[str, Any]]:
    for option in fields(source):  # type: ignore[arg-type]  # every source is a dataclass
        if option.default is not MISSING:
            yield option.name, option.default
        elif option.default_factory is not MISSING:
            yield option.name, option.default_factory()
