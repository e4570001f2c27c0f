"""Files to chunks of text: every reader's rows, a fixed number a chunk, and the account of those that were lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from data_prep.batch import Batch, Rejected, RejectedText
from data_prep.chunk import TextChunk
from data_prep.engine.task import Step, Task
from data_prep.readers.moses_zip import MosesZip
from data_prep.readers.opening import libraries_of
from data_prep.readers.rows import NO_TEXT, gap_reason
from data_prep.readers.source import EmptySource, Naming, Source
from data_prep.readers.zip_members import libraries_within

ROWS = 1 << 13
"""Of a chunk. Fixed, so that the number of workers changes nothing."""
SAMPLES = 5
"""Rejected rows, and texts of a language, of each reason that are kept to be looked at."""
IDS, SCORES = "ids", "scores"


def chunk_name(number: int) -> str:
    """Return the file name of a chunk."""
    return f"{number:06d}.text"


def read_task(name: str, source: Source, digests: Mapping[Path, str]) -> Task:
    """Return the task of reading one source; *digests* are those of its inputs."""
    content = {
        "reader": type(source).__name__,
        "options": {f.name: _without_paths(getattr(source, f.name)) for f in fields(source)},  # type: ignore[arg-type]
        "inputs": [digests[path] for path in source.inputs],
    }
    return READ_STEP.task(name, content, {"source": source}, libraries=reading_libraries(source))


def reading_libraries(source: Source) -> list[str]:
    """Return the libraries that read a source, those that decompress its files and their members among them."""
    found = [*source.libraries, *(library for path in source.inputs for library in libraries_of(path))]
    if isinstance(source, MosesZip):
        found += (library for path in source.inputs for library in libraries_within(path))
    return found


def read(folder: Path, source: Source) -> dict[str, Any]:
    """Write the source's chunks into *folder*.

    Returns rows of each chunk; by reason, with samples, how many rows were rejected, and by language how many texts of
    rows that stay: what was read = rows + rejected; what was left aside; and why nothing of what is asked for is in it,
    None where something is. A source that names what the file does not have is one of these: nothing is damaged, and
    all texts of all rows are in one language of several. Without rows there is one chunk of none. Raises UserError as
    the source does.
    """
    reading = _Reading(folder, source)
    nothing = None
    try:
        reading.read()
    except EmptySource as error:
        nothing = error.why  # without the file's name: what is read of equal files is kept once
    return {**reading.record(), "nothing": nothing}


def unread_of(record: Mapping[str, Any]) -> dict[str, int]:
    """Return by reason how many rows of a source, and texts of a language in rows that stay, could not be read.

    Of the record of reading, or of what a report has of it.
    """
    texts = record.get("rejected_texts", {})  # of which earlier reports say nothing
    return record["rejected"] | {
        gap_reason(reason, language): count for language, reasons in texts.items() for reason, count in reasons.items()
    }


class _Reading:
    """What was read of a source so far."""

    def __init__(self, folder: Path, source: Source) -> None:
        self._folder, self._source = folder, source
        self._seen: set[str] = set()
        self._rows: list[int] = []
        self._rejected: Counter[str] = Counter()
        self._rejected_texts: dict[str, Counter[str]] = {}
        self._aside: Counter[str] = Counter()
        self._samples: dict[str, list[list[str]]] = {}

    def read(self) -> None:
        """Read it to its end. Raises UserError as the source does, EmptySource as `read` says."""
        for batch in self._source.batches(ROWS):
            for lost in batch.rejected:
                self._rejected[lost.reason] += 1
                self._sample(lost.reason, lost)
            for text in batch.rejected_texts:
                self._rejected_texts.setdefault(text.language, Counter())[text.reason] += 1
                self._sample(gap_reason(text.reason, text.language), text)
            self._aside.update(batch.counts)
            self._seen.update(language for language, column in batch.columns.items() if any(column))
            if batch.rows:
                self._write(batch)
        languages = self._source.languages
        is_damaged = bool(self._rejected.keys() - {NO_TEXT} or self._rejected_texts)
        if isinstance(self._source, Naming) and len(self._seen) == 1 < len(languages) and not is_damaged:
            raise self._source.lacking([language for language in languages if language not in self._seen])

    def record(self) -> dict[str, Any]:
        """Return the account; a source without rows gets its chunk."""
        if not self._rows:
            self._write(Batch(0, {language: () for language in self._source.languages}))
        return {
            "rows": self._rows,
            "rejected": dict(self._rejected),
            "rejected_texts": {language: dict(reasons) for language, reasons in self._rejected_texts.items()},
            "aside": dict(self._aside),
            "samples": self._samples,
        }

    def _sample(self, reason: str, lost: Rejected | RejectedText) -> None:
        kept = self._samples.setdefault(reason, [])
        if len(kept) < SAMPLES:
            kept.append([lost.place, lost.excerpt])

    def _write(self, batch: Batch) -> None:
        arrays = {}
        if batch.ids is not None:
            arrays[IDS] = id_keys(batch.ids)
        if batch.scores is not None:
            arrays[SCORES] = np.array(batch.scores, dtype=np.float64)
        TextChunk(batch.columns, arrays).write(self._folder / chunk_name(len(self._rows)))
        self._rows.append(batch.rows)


def id_keys(ids: Sequence[str]) -> np.ndarray:
    """Return a key of each id, (n,) uint64: an id may be of any length, and a row is only ever looked up by it."""
    keys = (xxhash.xxh3_64_intdigest(identifier.encode("utf-8", "surrogatepass")) for identifier in ids)
    return np.fromiter(keys, dtype=np.uint64, count=len(ids))


def _without_paths(value: Any) -> Any:
    """Return a source's option as plain data; of paths nothing but that they are there, since digests stand for them.

    A set of options that holds neither is an error of the reader: its content would not decide its result.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Path():
            return "path"
        case re.Pattern():
            return value.pattern
        case Mapping():
            return {str(key): _without_paths(item) for key, item in value.items()}
        case tuple() | list():
            return [_without_paths(item) for item in value]
    raise TypeError(f"{value!r} is no plain data")


READ_STEP = Step("read", read, revision=6)
