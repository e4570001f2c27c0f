"""The search: sources to chunks, test sets to an index, every chunk of training text asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.duplicates.leakage import searched_together
from data_prep.engine.pool import Pool
from data_prep.engine.task import Result
from data_prep.leak_check.report import EvaluationSet, Report, Training, report_of
from data_prep.leak_check.sources import TRAIN, Corpus
from data_prep.stages.leak_search import (
    FOUND,
    INDEX_SETS_STEP,
    PIECES,
    SEARCH_STEP,
    StoredRows,
    index_content,
    search_content,
)
from data_prep.stages.leaks import INDEX, SETS, SIGNING
from data_prep.stages.read import ROWS, chunk_name, read_task, unread_of
from mtdeep.corpus.manifest import SUBWORD_MODEL
from mtdeep.corpus.store import Store, file_digest
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport


@dataclass(frozen=True)
class _Chunk:
    """A chunk of training text of one corpus, and what decides its content."""

    corpus: str
    text: Path | StoredRows
    first: int
    languages: tuple[str, ...]
    content: tuple[Any, ...]


class LeakCheck:
    """Searches training text for test sets, chunk by chunk, on the workers of a pool."""

    def __init__(self, pool: Pool, progress: ProgressReport, *, near: bool = True, samples: int = 3) -> None:
        """*near*: search for near matches too, which takes most of the time; *samples*: shown of each kind."""
        self._pool, self._progress, self._near, self._samples = pool, progress, near, samples

    def of_store(self, store: Store, tests: Sequence[Corpus]) -> Report:
        """Search the training split of a store. Raises UserError when there is none, and as `of_corpora` does."""
        languages = {code for corpus in store.corpora(TRAIN) for code in corpus.languages}
        _check_shared(tests, languages)
        files = store.manifest.files
        form = f"{files[SUBWORD_MODEL].xxh3_128} {store.manifest.vocabulary_digest}"
        return self._report(tests, {}, list(_stored(store)), store, form)

    def of_corpora(self, training: Sequence[Corpus], tests: Sequence[Corpus]) -> Report:
        """Search bare corpora. Raises UserError for input that cannot be read, and where no language is shared."""
        _check_shared(tests, {code for corpus in training for code in corpus.source.languages})
        read = self._read("read training text", training)
        chunks = [
            _Chunk(
                corpus.name,
                result.folder / chunk_name(number),
                sum(result.record["rows"][:number]),
                tuple(corpus.source.languages),
                (result.key, number),
            )
            for corpus, result in zip(training, read, strict=True)
            for number in range(len(result.record["rows"]))
        ]
        rejected = {corpus.name: unread_of(result.record) for corpus, result in zip(training, read, strict=True)}
        return self._report(tests, rejected, chunks, None, None)

    def _report(
        self,
        tests: Sequence[Corpus],
        rejected: dict[str, dict[str, int]],
        chunks: Sequence[_Chunk],
        store: Store | None,
        form: str | None,
    ) -> Report:
        read = self._read("read test sets", tests)
        index = self._index(tests, read, store, form)
        found = self._search(chunks, index)
        training = Training(rejected)
        for chunk, result in zip(chunks, found, strict=True):
            training.enter(chunk.corpus, result.record["languages"], result.folder / FOUND)
        sets = [
            EvaluationSet(corpus.name, record, unread_of(result.record))
            for corpus, result, record in zip(tests, read, index.record["sets"], strict=True)
        ]
        index_files = index.folder / INDEX, index.folder / SETS
        return report_of(sets, training, *index_files, near=self._near, form=form, samples=self._samples)

    def _read(self, stage: str, corpora: Sequence[Corpus]) -> list[Result]:
        inputs = list(dict.fromkeys(path for corpus in corpora for path in corpus.source.inputs))
        self._progress.stage(f"{stage}: digests", len(inputs))
        digests = {}
        for path in inputs:
            digests[path] = file_digest(path)
            self._progress.advance()
        read = self._pool.run(stage, [read_task(corpus.name, corpus.source, digests) for corpus in corpora])
        for corpus, result in zip(corpora, read, strict=True):
            if why := result.record["nothing"]:
                raise UserError(f"{corpus.source.inputs[0]}: {why}")
        return read

    def _index(self, tests: Sequence[Corpus], read: Sequence[Result], store: Store | None, form: str | None) -> Result:
        numbers = [range(len(result.record["rows"])) for result in read]
        sets = [[result.folder / chunk_name(n) for n in of_set] for result, of_set in zip(read, numbers, strict=True)]
        content = index_content([[result.key, len(of_set)] for result, of_set in zip(read, numbers, strict=True)], form)
        arguments = {"sets": sets, "store": store and store.path}
        task = INDEX_SETS_STEP.task("test sets", content, arguments, libraries=PIECES if store else ())
        (index,) = self._pool.run("index test sets", [task])
        return index

    def _search(self, chunks: Sequence[_Chunk], index: Result) -> list[Result]:
        tasks = [
            SEARCH_STEP.task(
                f"{chunk.corpus}, row {chunk.first}",
                search_content(chunk.content, index.key, self._near),
                {
                    "chunk": chunk.text,
                    "first": chunk.first,
                    "languages": chunk.languages,
                    "index": index.folder / INDEX,
                    "near": self._near,
                },
                libraries=(*(SIGNING if self._near else ()), *(() if isinstance(chunk.text, Path) else PIECES)),
            )
            for chunk in chunks
        ]
        return self._pool.run("search training text", tasks)


def _stored(store: Store) -> Iterator[_Chunk]:
    """Yield the training split of a store in chunks, which are read where they lie."""
    for corpus in store.corpora(TRAIN):
        for first in range(0, corpus.rows, ROWS):
            rows = min(ROWS, corpus.rows - first)
            where = StoredRows(store.path, corpus.name, TRAIN, first, rows)
            yield _Chunk(corpus.name, where, first, corpus.languages, (store.digest, corpus.name, first, rows))


def _check_shared(tests: Sequence[Corpus], trained: set[str]) -> None:
    """Raise UserError where a search could find nothing, which would look like a clean result."""
    tested = {code for corpus in tests for code in corpus.source.languages}
    if not searched_together(tested).keys() & searched_together(trained).keys():
        shown = [", ".join(sorted(codes)[:10]) for codes in (trained, tested)]
        raise UserError(
            f"training text ({shown[0]}) and test sets ({shown[1]}) share no language; "
            "give test sets of its languages, or correct --languages"
        )
