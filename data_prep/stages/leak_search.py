"""What of test sets is in training text, sentence by sentence: an index of the sets, then every chunk asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import TextChunk
from data_prep.duplicates.form import Form, as_written, decoded, through_pieces
from data_prep.duplicates.key import sentence_keys
from data_prep.duplicates.leakage import EXACT, NEAR, Known, Meetings, searched_as
from data_prep.duplicates.near import Signatures
from data_prep.engine.libraries import LANGUAGES, UNICODE
from data_prep.engine.task import Step
from data_prep.stages.leaks import SIGNING, index_of, signatures, write_index
from mtdeep.corpus.store import Store
from mtdeep.corpus.subwords import Subwords

FOUND = "found"
SENTENCES, SIMILARITY, IS_EXACT, ROWS = "sentences/", "similarity/", "exact/", "rows/"
PIECES = ("sentencepiece",)
"""The library that gives sentences the form of a store's pieces."""


@dataclass(frozen=True)
class StoredRows:
    """Some rows of a corpus of a store's training split, as a chunk to be searched."""

    store: Path
    corpus: str
    split: str
    first: int
    rows: int


def index_sets(folder: Path, sets: Sequence[Sequence[Path]], store: Path | None) -> dict[str, Any]:
    """Write what is known of test *sets*, each some chunks of text, of which training is to have none.

    Beside what `write_index` writes, SETS has "number/language", the keys of the rows of each set, 0 for gaps. *store*:
    compare in the form of its pieces. Returns for each set language -> sentences, and those that cannot be searched
    for: known in part and short.
    """
    known: dict[str, dict[int, list[Known]]] = {}
    written: dict[str, dict[int, str]] = {}
    records: list[dict[str, dict[str, int]]] = []
    of_sets: dict[str, np.ndarray] = {}
    for number, chunks in enumerate(sets):
        columns = _columns(chunks)
        records.append({})
        for language, texts in columns.items():
            form = as_written(texts) if store is None else through_pieces(_subwords(store), texts)
            # A sentence known in part has a key of its own here, and none in training text: they never are equal.
            keys, signed = sentence_keys(form.texts), signatures(language, form.texts)
            group = searched_as(language)
            known.setdefault(group, {}).setdefault(number, []).append(Known(keys, signed))
            written.setdefault(group, {}).update(zip(keys.tolist(), texts, strict=True))
            of_sets[f"{number}/{language}"] = keys
            unchecked = (keys > 0) & ~form.whole
            unchecked[signed.rows] = False
            records[-1][language] = {"sentences": int((keys > 0).sum()), "unchecked": int(unchecked.sum())}
    write_index(folder, known, written, of_sets)
    return {"sets": records}


def search(
    folder: Path, chunk: Path | StoredRows, first: int, languages: Sequence[str], index: Path, near: bool
) -> dict[str, Any]:
    """Write FOUND: of every sentence in the *index* that a chunk of training text has, where it has it best.

    It is a chunk of text: by code the training sentences, and beside them SENTENCES, the numbers in the index,
    ascending, SIMILARITY, IS_EXACT and ROWS, the numbers of the rows, *first* being the chunk's first one's.

    Returns by language how many sentences were searched, how many could not be (known in part and too short to be
    near), and how many are equal or near to one of the sets.
    """
    columns: dict[str, Sequence[str]] = {}
    arrays: dict[str, np.ndarray] = {}
    record: dict[str, dict[str, int]] = {}
    for language in languages:
        known = index_of(index, searched_as(language))
        if known is None:
            continue
        form = _form(chunk, language)
        signed = signatures(language, form.texts) if near else None
        met = known.meet(form.keys(), signed)
        best = _best(met)
        cells = met.cells[best]
        columns[language] = [form.texts[cell] for cell in cells.tolist()]
        arrays |= {
            SENTENCES + language: met.sentences[best],
            SIMILARITY + language: met.similarity[best],
            IS_EXACT + language: met.exact[best],
            ROWS + language: first + cells,
        }
        record[language] = _counts(form, signed, met)
    TextChunk(columns, arrays).write(folder / FOUND)
    return {"languages": record}


def index_content(sets: Sequence[Sequence[Any]], form: str | None) -> dict[str, Any]:
    """Return what decides an index: the keys and numbers of the sets' chunks, the digest of a store's model."""
    return {"sets": [list(chunks) for chunks in sets], "form": form}


def search_content(chunk: Sequence[Any], index_key: str, near: bool) -> dict[str, Any]:
    """Return what decides what is found: the key and number of a chunk, or a store's digest and rows."""
    return {"text": list(chunk), "index": index_key, "near": near}


def _columns(chunks: Sequence[Path]) -> dict[str, list[str]]:
    """Return the sentences of a set by language; a set may be in several sources, of different languages."""
    columns: dict[str, list[str]] = {}
    for path in chunks:
        for language, texts in TextChunk.read(path).columns.items():
            columns.setdefault(language, []).extend(texts)
    return columns


def _form(chunk: Path | StoredRows, language: str) -> Form:
    if isinstance(chunk, Path):
        return as_written(TextChunk.read(chunk, [language]).columns[language])
    (corpus,) = (each for each in _store(chunk.store).corpora(chunk.split) if each.name == chunk.corpus)
    rows = range(chunk.first, chunk.first + chunk.rows)
    return decoded(_subwords(chunk.store), [corpus.sentence(language, row) for row in rows])


def _best(met: Meetings) -> np.ndarray:
    """Return for each sentence that was met, ascending, which meeting is the best: equal, most similar, first."""
    order = np.lexsort((met.cells, -met.similarity, ~met.exact, met.sentences))
    _, first = np.unique(met.sentences[order], return_index=True)
    best: np.ndarray = order[first]
    return best


def _counts(form: Form, signed: Signatures | None, met: Meetings) -> dict[str, int]:
    there = np.array([bool(text) for text in form.texts], dtype=bool)
    in_part = there & ~form.whole
    if signed is not None:
        in_part[signed.rows] = False
    exact, near = np.unique(met.cells[met.exact]), np.unique(met.cells[~met.exact])
    return {
        "sentences": int(there.sum()),
        "unchecked": int(in_part.sum()),
        EXACT: len(exact),
        NEAR: len(np.setdiff1d(near, exact)),
    }


@lru_cache(maxsize=2)
def _store(path: Path) -> Store:
    return Store(path)


@lru_cache(maxsize=2)
def _subwords(store: Path) -> Subwords:
    return _store(store).subwords()


INDEX_SETS_STEP = Step("index_sets", index_sets, revision=3, libraries=SIGNING)
SEARCH_STEP = Step("search", search, revision=3, libraries=(*LANGUAGES, UNICODE))
