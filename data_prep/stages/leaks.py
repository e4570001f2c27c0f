"""What is scored, searched for in every chunk of training text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import TextChunk, read_arrays, write_arrays
from data_prep.cleaning.characters import WITHOUT_WORDS
from data_prep.duplicates.leakage import EvaluationIndex, Known, indexed
from data_prep.duplicates.near import VERSION, Signatures
from data_prep.stages.clean import KEYS
from mtdeep.languages import script

INDEX, LEAKED = "index", "leaked"
_REVISION = 1  # raise it when equal chunks begin to give other leaks


def index(folder: Path, sets: Sequence[Sequence[tuple[Path, Sequence[str]]]], near: bool) -> dict[str, Any]:
    """Write the index of the evaluation *sets*, each some cleaned chunks with their languages, as INDEX.

    Returns how many different sentences of each language it has.
    """
    known: dict[str, dict[int, list[Known]]] = {}
    for number, chunks in enumerate(sets):
        for path, languages in chunks:
            chunk = TextChunk.read(path)
            for i, language in enumerate(languages):
                signed = signatures(language, chunk.columns[language]) if near else None
                known.setdefault(language, {}).setdefault(number, []).append(Known(chunk.arrays[KEYS][:, i], signed))
    arrays: dict[str, np.ndarray] = {}
    sizes = {}
    for language, of_sets in known.items():
        found = indexed({number: _joined(parts) for number, parts in of_sets.items()})
        arrays |= {f"{language}/{name}": array for name, array in found.items()}
        sizes[language] = len(found["keys"])
    write_arrays(folder / INDEX, arrays)
    return {"sentences": sizes}


def find_leaks(folder: Path, chunk: Path, languages: Sequence[str], index: Path, near: bool) -> dict[str, Any]:
    """Write LEAKED, (rows, languages) bool: the cells of a cleaned chunk that an evaluation set has.

    Returns language -> number of the set -> exact or near -> cells.
    """
    text = TextChunk.read(chunk)
    leaked = np.zeros(text.arrays[KEYS].shape, dtype=bool)
    counts: dict[str, Mapping[str, Mapping[str, int]]] = {}
    for i, language in enumerate(languages):
        known = index_of(index, language)
        if known is None:
            continue
        signed = signatures(language, text.columns[language]) if near else None
        found = known.match(text.arrays[KEYS][:, i], signed)
        leaked[:, i] = found.sets >= 0
        if leaked[:, i].any():
            counts[language] = found.counts([str(number) for number in range(int(found.sets.max()) + 1)])
    write_arrays(folder / LEAKED, {LEAKED: leaked})
    return {"leaked": counts}


def signatures(language: str, texts: Sequence[str]) -> Signatures:
    """Sign sentences as their language's script asks for."""
    return Signatures.of(texts, spaced=script(language) not in WITHOUT_WORDS)


def leaks_content(chunk_key: str, index_key: str, near: bool) -> dict[str, Any]:
    """Return what decides the leaks of a chunk."""
    return {"revision": _REVISION, "text": chunk_key, "index": index_key, "near": VERSION if near else None}


@lru_cache(maxsize=512)
def index_of(path: Path, language: str) -> EvaluationIndex | None:
    """Load a language's index, once a worker; None where no evaluation set has the language."""
    prefix = f"{language}/"
    arrays = read_arrays(path, lambda name: name.startswith(prefix))
    return EvaluationIndex({name.removeprefix(prefix): array for name, array in arrays.items()}) if arrays else None


def _joined(parts: Sequence[Known]) -> Known:
    """Return the chunks of one set as one."""
    starts = np.cumsum([0, *(len(part.keys) for part in parts[:-1])]).tolist()
    signed = [(start, part.signatures) for start, part in zip(starts, parts, strict=True) if part.signatures]
    keys = np.concatenate([part.keys for part in parts])
    if not signed:
        return Known(keys)
    rows = np.concatenate([start + each.rows for start, each in signed])
    return Known(keys, Signatures(rows, np.concatenate([each.values for _, each in signed])))
