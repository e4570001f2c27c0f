"""A store written as text: any of its splits, corpora and languages, in files that other programs read.

    OUT/{split}.{language}                        every row of the split that has a text, gaps as empty lines
    OUT/{split}.{source}-{target}.{language}      of a direction: the rows that both its languages have
    OUT/export.json                               what this is, and of which store (`record.py`)
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.databin import one_way
from mtdeep.corpus.directions import Direction
from mtdeep.corpus.origins import ORIGINS
from mtdeep.corpus.store import Store
from mtdeep.corpus.text.files import FORMATS, Folder, TextRows
from mtdeep.corpus.text.place import place_for
from mtdeep.corpus.text.record import Record, Table
from mtdeep.corpus.text.sentences import DECODED, StoredText
from mtdeep.corpus.verification import damages
from mtdeep.durable import one_writer, sync_directory
from mtdeep.errors import UserError

Progress = Callable[[str, int, int], None]
_ROWS = 1 << 12  # read at a time


@dataclass(frozen=True)
class Chosen:
    """What is written, of splits, corpora and origins, and how.

    languages: none for all that a split has. directions: these in place of rows over languages. gaps: whether rows may
    lack languages. pieces: the pieces between blanks in place of text. form: one of FORMATS; compression: one of
    COMPRESSIONS, or none.
    """

    splits: tuple[str, ...]
    corpora: tuple[str, ...]
    origins: tuple[str, ...] = ORIGINS
    languages: tuple[str, ...] = ()
    directions: tuple[Direction, ...] = ()
    gaps: bool = True
    pieces: bool = False
    form: str = "text"
    compression: str | None = None


@dataclass(frozen=True)
class _Part:
    """The rows of some corpora of a split: those that have a text in one of the languages, or in all of them."""

    name: str
    corpora: Sequence[Corpus]
    languages: Sequence[str]
    complete: bool

    @property
    def rows(self) -> int:
        """Return how many rows are looked at."""
        return sum(corpus.rows for corpus in self.corpora)


def export_text(
    store: Store, out: Path, chosen: Chosen, *, overwrite: bool = False, progress: Progress | None = None
) -> tuple[Mapping[str, Table], list[str]]:
    """Write the text that is chosen into a folder; returns what each table has, and the names of those without rows.

    An export that was stopped goes on behind its last whole table. *overwrite*: remove another export that the folder
    has first. *progress* hears which table is written, how many rows are done, and how many there are. Raises UserError
    when nothing is chosen, when text would have to be decoded without a model, for a damaged store, of which every byte
    is read first, and for a folder in the store, or with something else.
    """
    if Path(os.path.realpath(out)).is_relative_to(os.path.realpath(store.path)):
        raise UserError(f"{out}: lies in the store {store.path}; give another folder for the text")
    every = list(_parts(store, chosen))
    parts = [part for part in every if part.corpora]
    if not parts:
        raise UserError(f"{store.path}: no sentence in what is chosen; choose other splits, languages or corpora")
    text = StoredText(store, pieces=chosen.pieces)
    _check_text(store, text, parts)
    for damage in damages(store.path, progress):
        raise UserError(damage)
    out.parent.mkdir(parents=True, exist_ok=True)
    with one_writer(out):
        record = place_for(out, Record(store.digest, _plain(chosen), {}), overwrite=overwrite)
        total, done = sum(part.rows for part in parts), 0
        for part in parts:
            if not record.whole(out, part.name):
                tell = None if progress is None else partial(_tell, progress, part.name, done, total)
                _write(out, record, part, text, chosen, tell)
            done += part.rows
        sync_directory(out)
    return record.tables, [part.name for part in every if not part.corpora]


def _parts(store: Store, chosen: Chosen) -> Iterator[_Part]:
    for split in chosen.splits:
        corpora = [
            corpus
            for corpus in store.corpora(split)
            if corpus.name in chosen.corpora and corpus.origin in chosen.origins
        ]
        if chosen.directions:
            for direction in one_way(chosen.directions):
                sides = direction.source, direction.target
                own = [corpus for corpus in corpora if corpus.count(*sides)]
                yield _Part(f"{split}.{direction}", own, sides, complete=True)
            continue
        there = {code for corpus in corpora for code in corpus.languages if corpus.sentences(code)}
        # A file of empty lines helps nobody; but a row that is to have all languages has none without one of them.
        wanted = [code for code in store.languages if code in (chosen.languages or there)]
        languages = [code for code in wanted if code in there or not chosen.gaps]
        enough = all if not chosen.gaps else any
        own = [corpus for corpus in corpora if enough(_has(corpus, code) for code in languages)]
        yield _Part(split, own if languages else [], languages, complete=not chosen.gaps)


def _has(corpus: Corpus, language: str) -> bool:
    return language in corpus.languages and corpus.sentences(language) > 0


def _check_text(store: Store, text: StoredText, parts: Sequence[_Part]) -> None:
    columns = ((corpus, code) for part in parts for corpus in part.corpora for code in part.languages)
    if not store.has_subwords and any(text.source(*column) == DECODED for column in columns if _has(*column)):
        raise UserError(
            f"{store.path}: has no SentencePiece model to decode its text with, because it was imported without one; "
            "import it again with --sentencepiece-model, or give --pieces"
        )


def _plain(chosen: Chosen) -> dict[str, object]:
    """Return the options as JSON gives them back."""
    options = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(chosen).items()}
    return {**options, "directions": [str(direction) for direction in chosen.directions]}


def _tell(progress: Progress, name: str, before: int, total: int, rows: int) -> None:
    progress(f"writing {name}", before + rows, total)


def _write(
    out: Path, record: Record, part: _Part, text: StoredText, chosen: Chosen, tell: Callable[[int], None] | None
) -> None:
    rows = _Rows(text, part)
    with Folder(out, chosen.compression) as folder:
        files = FORMATS[chosen.form](folder.open, part.name, part.languages)
        for corpus in part.corpora:
            for some in rows.of(corpus):
                files.write(some)
                if tell is not None:
                    tell(rows.looked_at)
        counts = rows.count, dict(rows.sentences), rows.sources, dict(+rows.unknown), files.mended
        record.tables[part.name] = Table(*counts, folder.finish())
        record.write(out)
        sync_directory(out)  # or the power could go between, and leave names without the record that has them
        folder.name_files()


class _Rows:
    """Reads the rows of a part, and counts what it has of each language."""

    def __init__(self, text: StoredText, part: _Part) -> None:
        self._text, self._languages = text, part.languages
        self._least = len(part.languages) if part.complete else 1
        self.count = self.looked_at = 0
        self.sentences, self.unknown = Counter[str](), Counter[str]()
        self.sources: dict[str, list[str]] = {}

    def of(self, corpus: Corpus) -> Iterator[TextRows]:
        """Yield the rows of a corpus, some at a time."""
        languages = [code for code in self._languages if code in corpus.languages]
        for code in languages:
            sources = self.sources.setdefault(code, [])
            if (source := self._text.source(corpus, code)) not in sources:
                sources.append(source)
        for first in range(0, corpus.rows, _ROWS):
            end = min(first + _ROWS, corpus.rows)
            there = np.stack([corpus.lengths_between(code, first, end) > 0 for code in languages])
            places = np.flatnonzero(there.sum(axis=0) >= self._least)
            columns, there = self._read(corpus, languages, (first + places).tolist(), there[:, places])
            kept = np.flatnonzero(there.sum(axis=0) >= self._least).tolist()
            self.count += len(kept)
            self.looked_at += end - first
            self.sentences.update(dict(zip(languages, there[:, kept].sum(axis=1).tolist(), strict=True)))
            yield TextRows(corpus.name, corpus.origin, {c: [texts[i] for i in kept] for c, texts in columns.items()})

    def _read(
        self, corpus: Corpus, languages: Sequence[str], rows: Sequence[int], there: np.ndarray
    ) -> tuple[dict[str, list[str]], np.ndarray]:
        """Return the texts of rows, and which of them are *there*, (languages, rows) bool: unknown ones no more."""
        columns = {}
        for place, code in enumerate(languages):
            texts, unknown = self._text.column(corpus, code, rows)
            self.unknown[code] += int(unknown.sum())
            columns[code] = ["" if lost else text for text, lost in zip(texts, unknown, strict=True)]
            there[place] &= ~unknown
        return columns, there
