"""What tests of all readers share: a source read as a whole, and checked on the way."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from data_prep.batch import Batch, Rejected, RejectedText
from data_prep.readers.source import Source
from mtdeep.errors import UserError

# What damages the formats most when it stands anywhere.
PIECES = (b"<", b"&", b'"', b"\0", b"\xff", b"<!--", b"<![CDATA[", b"</tu>", b"<doc>", b"\n", b"&#xD800;", b"\\ud800")


@dataclass
class Read:
    """All batches of a source, put together."""

    columns: dict[str, list[str]]
    ids: list[str] | None = None
    scores: list[float] | None = None
    rejected: list[Rejected] = field(default_factory=list)
    rejected_texts: list[RejectedText] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> list[tuple[str, ...]]:
        return list(zip(*self.columns.values(), strict=True))

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(found.reason for found in self.rejected))

    @property
    def gaps(self) -> dict[str, dict[str, int]]:
        """Of each language, why texts are none in rows that stay."""
        languages = {text.language for text in self.rejected_texts}
        return {
            language: dict(Counter(text.reason for text in self.rejected_texts if text.language == language))
            for language in languages
        }

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
        self.rejected_texts += batch.rejected_texts
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
        for found in (*whole.rejected, *whole.rejected_texts):
            assert found.reason and found.place and len(found.excerpt) < 1000
        "".join(text for column in whole.columns.values() for text in column).encode()
        return whole

    return read


@pytest.fixture
def told_or_counted(read_all, tmp_path: Path, small_bombs: None) -> Callable[..., None]:
    """Check a source made in a folder: its sentence, or its rows, why others and texts are rejected, and counts."""

    def check(make: Callable[[Path], Source], expected: str | Mapping[str, Any]) -> None:
        source = make(tmp_path)
        if isinstance(expected, str):
            with pytest.raises(UserError, match=expected) as caught:
                read_all(source, 2)
            assert "\n" not in str(caught.value)
            return
        found = read_all(source, 2)
        counted = {"rejected": found.reasons, "gaps": found.gaps, "counts": dict(found.counts)}
        assert {"rows": len(found.rows), **counted} == {"rows": 0, "rejected": {}, "gaps": {}, "counts": {}} | expected
        assert read_all(source, 1000) == found

    return check


@pytest.fixture
def read_or_refused(read_all, tmp_path: Path, small_bombs: None) -> Callable[..., None]:
    """Change bytes of a file 60 times: it is read, the same twice, or refused in one sentence; nothing else happens."""

    def check(name: str, whole: bytes, source: Callable[[Path], Source]) -> None:
        generator = random.Random(name)
        path = tmp_path / "a"
        for _ in range(60):
            content = bytearray(whole)
            for _ in range(generator.randint(1, 3)):
                place = generator.randrange(len(content))
                length = generator.choice([0, 0, 1, 20])
                content[place : place + length] = generator.choice([b"", bytes([generator.randrange(256)]), *PIECES])
            path.write_bytes(bytes(content))
            try:
                assert read_all(source(path), 2) == read_all(source(path), 1000)
            except UserError as error:
                assert "\n" not in str(error).encode().decode()

    return check


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    """Write a file below the test's folder."""

    def make(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make
