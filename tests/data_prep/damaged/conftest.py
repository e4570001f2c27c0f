"""`mtdeep prepare` in this process, as its console script starts it, and what is true of every refusal."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mtdeep.cli.main import run
from mtdeep.corpus.store import Store

LINES = ["the dog sees the man", "der Hund sieht den Mann", "abcdefghijklmnopqrstuvwxyz 0123456789"]
REMEDY = re.compile(r"; | must | should | needs ")
WORK = ".store.mtdeep-work"
"""All that a refused run may leave: what it has done, for the next one."""


@dataclass(frozen=True)
class Done:
    """How a command ended, what it said of problems (progress is left out), and what it printed."""

    code: int
    said: list[str]
    printed: str


Command = Callable[..., Done]
Prepare = Callable[..., Done]


@pytest.fixture(scope="session")
def model(train_subwords, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a tiny vocabulary, so that none is learned."""
    path = tmp_path_factory.mktemp("model") / "tiny.model"
    path.write_bytes(train_subwords(LINES, (), 45)[1])
    return path


@pytest.fixture(scope="session")
def command() -> Command:
    """Run `mtdeep prepare` on a configuration, with options; whatever is no exit is a traceback, and fails the test."""

    def start(config: Path, *options: str) -> Done:
        said, printed, before, code = io.StringIO(), io.StringIO(), sys.argv, 0
        sys.argv = ["mtdeep", "prepare", str(config), "--workers", "1", *options]
        try:
            with redirect_stdout(printed), redirect_stderr(said):
                run()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            sys.argv = before
        problems = [line for line in said.getvalue().splitlines() if not line.startswith("[")]
        return Done(code, problems, printed.getvalue())

    return start


@pytest.fixture(scope="session")
def prepare(command: Command, model: Path) -> Prepare:
    """Run it in a folder on corpora, given as YAML or as data; keywords replace other keys of the configuration."""

    def start(folder: Path, corpora: str | list[Any], *options: str, **keys: Any) -> Done:
        given = yaml.safe_load(corpora) if isinstance(corpora, str) else corpora
        document = {"store": "store", "vocabulary": {"model": str(model)}, **keys, "corpora": given}
        config = folder / "corpora.yaml"
        config.write_text(json.dumps(document, indent=1))
        return command(config, *options)

    return start


@pytest.fixture(scope="session")
def sentence() -> Callable[[Done, Path], str]:
    """Check a refusal: exit code 2, one sentence with file and remedy, no store and nothing beside the work folder.

    Returns the sentence, with FOLDER in place of the folder.
    """

    def check(done: Done, folder: Path) -> str:
        assert done.code == 2, done
        said, *notes = done.said
        assert len(notes) <= 1 and all(f"half-done work lies in {folder / WORK}: " in note for note in notes)
        assert said.startswith("error: ") and str(folder) in said
        found = said.removeprefix("error: ").replace(str(folder), "FOLDER")
        assert REMEDY.search(found), f"no remedy: {found}"
        assert not [path for path in folder.iterdir() if path.name.startswith(".store") and path.name != WORK]
        return found

    return check


@pytest.fixture(scope="session")
def accounts() -> Callable[[Path], Mapping[tuple[str, str], Any]]:
    """Verify a store; returns what it says of each (corpus, split)."""

    def of(store: Path) -> Mapping[tuple[str, str], Any]:
        opened = Store(store)
        opened.verify()
        return {(one.name, one.split): one.provenance["account"] for one in opened.manifest.corpora}

    return of
