"""What tests of all readers share: a source read as a whole, and checked on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from data_prep.batch import Batch, Rejected
from data_prep.readers import opening
from data_prep.readers.source import Source


@dataclass
class Read:
    """All batches of a source, put together."""

    columns: dict[str, list[str]]
    ids: list[str] | None = None
    scores: list[float] | None = None
    rejected: list[Rejected] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> list[tuple[str, ...]]:
        return list(zip(*self.columns.values(), strict=True))

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(found.reason for found in self.rejected))

    def add(self, batch: Batch, size: int) -> None:
        read = batch.rows + len(batch.rejected)
        assert read <= size
        assert batch.first == len(self.rows)
        for language, column in batch.columns.items():
            self.columns[language] += column
        if batch.ids is not None:
            self.ids = (self.ids or []) + list(batch.ids)
        if batch.scores is not None:
            self.scores = (self.scores or []) + list(batch.scores)
        self.rejected += batch.rejected
        self.counts.update(batch.counts)


ReadAll = Callable[..., Read]


@pytest.fixture(scope="session")
def read_all() -> ReadAll:
    """Read a source in batches of a size, each but the last full; every text can be written as UTF-8."""

    def read(source: Source, size: int = 3) -> Read:
        languages = source.languages
        whole = Read({language: [] for language in languages})
        batches = list(source.batches(size))
        assert all(batch.rows + len(batch.rejected) == size for batch in batches[:-1])
        for batch in batches:
            assert list(batch.columns) == list(languages)
            whole.add(batch, size)
        for found in whole.rejected:
            assert found.reason and found.place and len(found.excerpt) < 1000
        "".join(text for column in whole.columns.values() for text in column).encode()
        return whole

    return read


@pytest.fixture
def small_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may expand to 1 MiB in place of 64 before it must be 1,000 times its size to be a bomb."""
    monkeypatch.setattr(opening, "_ALWAYS_ALLOWED", 1 << 20)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    """Write a file below the test's folder."""

    def make(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make
