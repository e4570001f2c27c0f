"""Samples of the chunks to a vocabulary's model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from data_prep.chunk import read_arrays
from data_prep.engine.libraries import TABLES
from data_prep.engine.task import Step
from data_prep.normalisation import LIBRARIES_OF
from data_prep.stages.sample import SAMPLE
from data_prep.vocabulary import train_model
from data_prep.vocabulary_settings import VocabularySettings
from mtdeep.corpus.store import file_digest
from mtdeep.errors import UserError

MODEL = "subwords.model"


def learn(folder: Path, samples: Sequence[Path], settings: str, left: str) -> dict[str, Any]:
    """Write MODEL, learned from the SAMPLEs in *samples*, folders in order; *settings*: `VocabularySettings` as JSON.

    Returns its digest, since a model may be damaged and still load. Raises UserError as `train_model` does, with what
    is *left* of the text: a size that does not suit it is seldom the cause when little is.
    """
    try:
        model = train_model(partial(_lines, samples), VocabularySettings.model_validate_json(settings))
    except UserError as error:
        raise UserError(f"{error} ({left})") from error
    (folder / MODEL).write_bytes(model)
    return {"xxh3_128": file_digest(folder / MODEL)}


def _lines(samples: Sequence[Path]) -> Iterator[str]:
    for folder in samples:
        for utf8 in read_arrays(folder / SAMPLE).values():
            yield from utf8.tobytes().decode("utf-8").split("\n")[:-1]


def learn_content(sample_keys: Sequence[str], settings: str) -> dict[str, Any]:
    """Return what decides a model."""
    return {"samples": list(sample_keys), "settings": settings}


LEARN_STEP = Step("learn", learn, revision=2, libraries=("sentencepiece",))


def learning_libraries(settings: VocabularySettings) -> tuple[str, ...]:
    """Return the libraries that settings ask for: what knows which letters a script has, what makes a rule."""
    letters = ("regex", TABLES) if isinstance(settings.character_coverage, dict) else ()
    return *letters, *LIBRARIES_OF.get(settings.normalization, ())
