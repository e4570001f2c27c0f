"""What is scored, searched for in every chunk of training text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import TextChunk, read_arrays, write_arrays
from data_prep.cleaning.characters import WITHOUT_WORDS
from data_prep.cleaning.record import Sample, choose, shown
from data_prep.duplicates.leakage import EvaluationIndex, Known, indexed, searched_as
from data_prep.duplicates.near import Signatures
from data_prep.engine.libraries import LANGUAGES, UNICODE
from data_prep.engine.task import Step
from data_prep.stages.clean import ROWS
from data_prep.stages.encode import KEPT
from data_prep.stages.part import LEAKED, Part
from mtdeep.languages import script

INDEX, SETS, MET = "index", "sets", "met"
TRAINED_ON = "stands in the store's training text"
SIGNING = ("rensa", *LANGUAGES, UNICODE)
"""The libraries that signatures depend on."""


def index(folder: Path, sets: Sequence[Sequence[Part]], near: bool) -> dict[str, Any]:
    """Write the index of the evaluation *sets*, each in some parts (`write_index`).

    Returns how many different sentences of each language it has.
    """
    known: dict[str, dict[int, list[Known]]] = {}
    written: dict[str, dict[int, str]] = {}
    for number, parts in enumerate(sets):
        for part in parts:
            text, keys = TextChunk.read(part.chunk), part.present()
            for i, language in enumerate(part.languages):
                group = searched_as(language)
                signed = signatures(language, _cells(text, keys, i, language)) if near else None
                known.setdefault(group, {}).setdefault(number, []).append(Known(keys[:, i], signed))
                written.setdefault(group, {}).update(zip(keys[:, i].tolist(), text.columns[language], strict=True))
    return {"sentences": write_index(folder, known, written)}


def write_index(
    folder: Path,
    known: Mapping[str, Mapping[int, Sequence[Known]]],
    written: Mapping[str, Mapping[int, str]],
    beside: Mapping[str, np.ndarray] | None = None,
) -> dict[str, int]:
    """Write INDEX, by language the arrays of `indexed`, and SETS, their different sentences as text, in their order.

    A language is here what `searched_as` makes of its codes. known: language -> number of a set -> its sentences, in
    parts; written: language -> key -> sentence; beside: what goes into SETS too. Returns how many different sentences
    of each language there are.
    """
    arrays: dict[str, np.ndarray] = {}
    texts: dict[str, Sequence[str]] = {}
    for language, of_sets in known.items():
        found = indexed({number: Known.joined(parts) for number, parts in of_sets.items()})
        arrays |= {f"{language}/{name}": array for name, array in found.items()}
        texts[language] = [written[language][key] for key in found["keys"].tolist()]
    write_arrays(folder / INDEX, arrays)
    TextChunk(texts, beside or {}).write(folder / SETS)
    return {language: len(sentences) for language, sentences in texts.items()}


def find_leaks(folder: Path, part: Part, index: Path, near: bool) -> dict[str, Any]:
    """Write LEAKED, (rows, languages) bool: the cells of a part that an evaluation set has; *index* is INDEX.

    MET has, by language as the index has it, the keys of the index's sentences that the part has, ascending, (n,)
    uint64. Returns code -> number of the set -> exact or near -> cells, and code -> samples, whose score is the
    similarity, each beside the sentence of the set that it is most like.
    """
    text, keys = TextChunk.read(part.chunk), part.present()
    leaked = np.zeros(keys.shape, dtype=bool)
    counts: dict[str, Mapping[str, Mapping[str, int]]] = {}
    met: dict[str, np.ndarray] = {}
    samples: dict[str, list[dict[str, Any]]] = {}
    for i, language in enumerate(part.languages):
        group = searched_as(language)
        known = index_of(index, group)
        if known is None:
            continue
        signed = signatures(language, _cells(text, keys, i, language)) if near else None
        found = known.match(keys[:, i], signed)
        leaked[:, i] = found.sets >= 0
        if leaked[:, i].any():
            met[group] = np.union1d(met.get(group, found.met), found.met)
            counts[language] = found.counts([str(number) for number in range(int(found.sets.max()) + 1)])
            scored = _sentences(index.with_name(SETS), group)
            samples[language] = [
                Sample(
                    order=order,
                    row=int(text.arrays[ROWS][row]),
                    text=shown(text.columns[language][row]),
                    score=float(found.similarity[row]),
                    beside={str(found.sets[row]): shown(scored[found.sentences[row]])},
                ).model_dump()
                for order, row in choose(np.flatnonzero(leaked[:, i]).tolist(), text.columns[language])
            ]
    write_arrays(folder / LEAKED, {LEAKED: leaked})
    write_arrays(folder / MET, met)
    return {"leaked": counts, "samples": samples}


def without_met(folder: Path, part: Part, searched: Sequence[Path]) -> dict[str, Any]:
    """Write the rows of a scored part of which no sentence was met in training text, as an array KEPT of their cells.

    *searched* are the folders of `find_leaks` in which something was met. Returns how many rows of the part are left
    out and, by language, sentences.
    """
    keys = part.present()
    known: dict[str, list[np.ndarray]] = {}
    for path in searched:
        for language, met in read_arrays(path / MET).items():
            known.setdefault(language, []).append(met)
    columns = [known.get(searched_as(language), [np.zeros(0, np.uint64)]) for language in part.languages]
    met = np.any([np.isin(keys[:, i], np.concatenate(column)) for i, column in enumerate(columns)], axis=0)
    write_arrays(folder / KEPT, {KEPT: (keys > 0) & ~met[:, None]})
    gone = keys[met] > 0
    return {"rows": len(gone), "languages": dict(zip(part.languages, gone.sum(axis=0).tolist(), strict=True))}


def _cells(text: TextChunk, keys: np.ndarray, column: int, language: str) -> list[str]:
    """Return the texts of the cells that have a key, "" for the others."""
    return [line if key else "" for line, key in zip(text.columns[language], keys[:, column].tolist(), strict=True)]


def signatures(language: str, texts: Sequence[str]) -> Signatures:
    """Sign sentences as their language's script asks for."""
    return Signatures.of(texts, spaced=script(language) not in WITHOUT_WORDS)


def index_content(sets: Sequence[Sequence[Sequence[Any]]], near: bool) -> dict[str, Any]:
    """Return what decides an index: what the parts of each set are made from."""
    made_from = [[list(part) for part in parts] for parts in sets]
    return {"sets": made_from, "near": near}


def leaks_content(part: Sequence[Any], index_key: str, near: bool) -> dict[str, Any]:
    """Return what decides the leaks of a part: what it is made from, and the index."""
    return {"part": list(part), "index": index_key, "near": near}


def without_met_content(part: Sequence[Any], searched: Sequence[str]) -> dict[str, Any]:
    """Return what decides the rows that are left: what the part is made from, the keys of the searches."""
    return {"part": list(part), "searched": list(searched)}


@lru_cache(maxsize=512)
def index_of(path: Path, language: str) -> EvaluationIndex | None:
    """Load the index of a language (`searched_as`), once a worker; None where no evaluation set has it."""
    prefix = f"{language}/"
    arrays = read_arrays(path, lambda name: name.startswith(prefix))
    return EvaluationIndex({name.removeprefix(prefix): array for name, array in arrays.items()}) if arrays else None


@lru_cache(maxsize=64)
def _sentences(path: Path, language: str) -> Sequence[str]:
    return TextChunk.read(path, [language]).columns[language]


INDEX_STEP = Step("index", index, revision=6, libraries=LANGUAGES)
LEAKS_STEP = Step("leaks", find_leaks, revision=6, libraries=LANGUAGES)
WITHOUT_MET_STEP = Step("without_met", without_met, revision=6, libraries=LANGUAGES)
