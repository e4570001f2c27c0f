"""What tests of readers and of the whole command share: damaged inputs, small bombs, a store that grows."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from data_prep.prepare import prepare
from data_prep.readers import opening

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "damaged")]

import preparing  # noqa: E402
from growing import MANUALS, TALKS, config, row, write  # noqa: E402


@pytest.fixture
def small_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may expand to 1 MiB in place of 64 before it must be 1,000 times its size to be a bomb."""
    monkeypatch.setattr(opening, "_ALWAYS_ALLOWED", 1 << 20)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of all corpora, and a store of talks and manuals in English and German."""
    folder = tmp_path_factory.mktemp("append")
    talks = [row(i) if i % 17 else "" for i in range(300)]
    for language in ("en", "de", "fr"):
        write(folder, "talks", language, [line if (i + ord(language[0])) % 11 else "" for i, line in enumerate(talks)])
        write(folder, "dev", language, [row(i) for i in range(1000, 1020)])
    for language in ("en", "de"):
        write(folder, "manual", language, [row(i) for i in range(2000, 2050)])
    # Rows of the talks, of what is scored, of the manuals (another pair of languages), and new ones, one of them twice.
    for language in ("en", "uk"):
        write(folder, "news", language, [row(i) for i in (5, 6, 1003, 2001, *range(3000, 3040), 3000)])
    for language in ("de", "en", "fr"):
        write(folder, "more", language, [row(i) for i in (2001, *range(4000, 4020))])
    prepare(config(folder, TALKS, MANUALS), None)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="session")
def prepared_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration and its store, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    preparing.prepare(preparing.generated(folder))
    return folder


@pytest.fixture
def prepared_folder(prepared_before: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may damage."""
    shutil.copytree(prepared_before, tmp_path, dirs_exist_ok=True)
    return tmp_path
