"""A store that grows: new corpora and new languages beside what is there, which stays as it is.

New sentences go to new shards. A new language gets a tag behind all tags, so that no id changes; its dictionary is the
old one with a line more. The manifest is replaced last, by one rename: until then the store is the old one, whatever
kills the writer, because nothing that the old manifest names was touched and `dict.txt` only grew behind the bytes that
it names. Shards that no manifest names are what a killed writer left, and the next one removes them. A new report has a
folder of its own, and the one before goes when the manifest that names it is gone.

Readers that have the store open keep their manifest and its shards; who opens it afterwards sees the new ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mtdeep.corpus.corpus_writer import Columns, CorpusWriter
from mtdeep.corpus.manifest import DICTIONARY, MANIFEST, REPORT, SHARDS, CorpusRecord, unnamed_shards
from mtdeep.corpus.shards import write_file
from mtdeep.corpus.shared_rows import pair_counts
from mtdeep.corpus.store import Store
from mtdeep.durable import one_writer, sync_directory


class StoreAppender(CorpusWriter):
    """Adds corpora, and `languages` that the store has no tag for, to the store at `path`.

    The type of tokens stays the store's: no id of a piece changes, and tags are never stored. Raises `UserError` when
    there is no whole store at `path`, when another process writes it, or when a new tag is a piece already.

    store: as it is when this begins, and for as long as this is not finished.
    """

    def __init__(self, path: Path | str, languages: Collection[str] = (), *, shard_bytes: int = 4 << 30) -> None:
        self.path = Path(path)
        with ExitStack() as stack:
            stack.enter_context(one_writer(self.path))
            self.store = Store(self.path)
            self._current = self.store.manifest
            self._remove_unnamed_shards()
            super().__init__(
                self.path,
                self.store.vocabulary,
                np.dtype(self._current.token_dtype),
                shard_bytes=shard_bytes,
                first_shard=max(self._current.shards, default=-1) + 1,
            )
            self.add_tags(languages)
            self._corpora += self._current.corpora
            self._files.update(self._current.files)
            self._until_left = stack.pop_all()

    def add_tags(self, tags: Collection[str]) -> None:
        """Put those of *tags* that the vocabulary lacks, languages or origins, behind its own.

        Raises `UserError` when a new tag is a piece already.
        """
        self.vocabulary = self.vocabulary.extended(tags)

    def add_languages(
        self, name: str, split: str, columns: Columns, *, text: Columns | None = None, provenance: Mapping[str, Any]
    ) -> CorpusRecord:
        """Add columns to a corpus that the store had when it was opened, with a row, or a gap, for each of its rows.

        What is said of `add_corpus` holds here. Raises `ValueError` when the corpus is not there, or has a language
        already.
        """
        place = next((i for i, r in enumerate(self._current.corpora) if (r.split, r.name) == (split, name)), None)
        if place is None:
            raise ValueError(f"there was no corpus {name!r} in split {split!r} when the store was opened")
        old = self._current.corpora[place]
        given = {(code, "tokens") for code in columns} | {(code, "text") for code in text or {}}
        twice = given & {(column.language, column.kind) for column in old.columns}
        if twice or self._corpora[place] is not old:
            raise ValueError(f"corpus {name!r} of split {split!r} got languages before, or has {sorted(twice)} already")
        written, presence = self._write_columns(name, columns, text or {}, old.rows)
        corpus = next(corpus for corpus in self.store.corpora(split) if corpus.name == name)
        presence = [*(np.packbits(corpus.lengths(language) > 0) for language in corpus.languages), *presence]
        record = replace(
            old,
            columns=(*old.columns, *written),
            pairs=pair_counts(presence),
            provenance=appended(old.provenance, {"languages": list(columns), **provenance}),
        )
        self._corpora[place] = record
        return record

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Sync the new shards, let the dictionary grow, and replace the manifest.

        The store's own provenance stays; this one's is the last under its key "appended". A report that was added
        takes the place of the one before.
        """
        self._shards.close_shard()
        sync_directory(self.path / SHARDS)
        if self.vocabulary != self.store.vocabulary:
            self._files[DICTIONARY] = write_file(self.path / DICTIONARY, self.vocabulary.dump())
            sync_directory(self.path)
        before = [name for name in self._current.files if name.startswith(f"{REPORT}/")]
        replaced = before if any(name.startswith(f"{REPORT}/") for name in self._added) else []
        for name in replaced:
            del self._files[name]
        manifest = self._manifest(appended(self._current.provenance, provenance))
        write_file(self.path / MANIFEST, manifest.dump())
        self._current = manifest
        sync_directory(self.path)
        self._remove(replaced)

    def abandon(self) -> None:
        """Remove what was written and the manifest does not name, and let other writers in."""
        self._shards.abandon()
        self._remove_unnamed_shards()
        self._remove(self._added - self._current.files.keys())
        self._until_left.close()

    @property
    def _added(self) -> set[str]:
        """The files beside the sentences that this has added."""
        return self._files.keys() - self.store.manifest.files.keys() - self._shards.files.keys()

    def _remove_unnamed_shards(self) -> None:
        self._remove(unnamed_shards(self.path, self._current))

    def _remove(self, names: Iterable[str]) -> None:
        """Remove files, and folders of theirs that nothing else stands in."""
        for path in [self.path / name for name in names]:
            path.unlink()
            if path.parent.parent != self.path and not any(path.parent.iterdir()):
                path.parent.rmdir()


def appended(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return a provenance with another behind those under its key "appended"."""
    return {**old, "appended": [*old.get("appended", ()), dict(new)]}
