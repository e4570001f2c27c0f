"""Translations on disk as they come: one append-only file of JSON lines, from which a killed run goes on.

A line is one batch's share of a direction: {"run", "direction", "segments": [place of each in the direction],
"texts", "scores", "digest"}. `run` is the digest of everything that decides the translations (checkpoint, store,
search), so that one file may hold several runs and none takes another's lines. `digest` is that of the rest of the
line; a line that a kill or a full disk has cut short does not fit its digest and is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import xxhash

from mtdeep.corpus import Direction
from mtdeep.languages import from_fairseq_code


def run_digest(settings: Mapping[str, object]) -> str:
    """Return the identity of a run: the digest of what decides its translations."""
    return xxhash.xxh3_128_hexdigest(json.dumps(settings, sort_keys=True).encode())


class HypothesisFile:
    """The translations of one run in one file; a context manager that opens it for appending."""

    def __init__(self, path: Path, run: str) -> None:
        self.path, self.run = path, run
        self._file: BinaryIO | None = None

    def __enter__(self) -> HypothesisFile:
        self._file = self.path.open("ab+")
        end = self._file.tell()
        self._file.seek(max(0, end - 1))
        if self._file.read() not in (b"", b"\n"):  # close the line that a kill cut short
            self._file.write(b"\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def append(
        self, direction: Direction, segments: Sequence[int], texts: Sequence[str], scores: Sequence[float]
    ) -> None:
        """Add translations of a direction, by their places in it."""
        assert self._file is not None, "open the file with `with`"
        record = {
            "run": self.run,
            "direction": str(direction),
            "segments": list(segments),
            "texts": list(texts),
            "scores": [round(score, 6) for score in scores],
        }
        record["digest"] = _digest(record)
        self._file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        self._file.flush()

    def sync(self) -> None:
        """Bring what was appended to the disk."""
        assert self._file is not None, "open the file with `with`"
        os.fsync(self._file.fileno())

    def read(self) -> dict[Direction, dict[int, str]]:
        """Return the texts of this run's whole lines, by direction and place."""
        found: dict[Direction, dict[int, str]] = {}
        for record in self._records():
            texts = found.setdefault(_direction(str(record["direction"])), {})
            texts.update(zip(record["segments"], record["texts"], strict=True))
        return found

    def _records(self) -> Iterator[dict[str, list]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict) and record.get("run") == self.run:
                    digest = record.pop("digest", None)
                    if digest == _digest(record):
                        yield record


def _digest(record: Mapping[str, object]) -> str:
    return xxhash.xxh3_64_hexdigest(json.dumps(record, sort_keys=True).encode())


def _direction(pair: str) -> Direction:
    source, target = pair.split("-")
    return Direction(from_fairseq_code(source), from_fairseq_code(target))
