"""Where a store goes: never half-written, never two writers, replaced in one step."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mtdeep.corpus.manifest import MANIFEST
from mtdeep.errors import UserError


@contextmanager
def place_for(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give the path to write a new store to; when the block ends well, the store stands at *path*.

    What an earlier run left when it was killed is removed first, and a termination signal unwinds this run like any
    exception. Raises UserError when another process prepares the same store, or *path* holds something else.
    """
    check_replaceable(path, overwrite=overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path), _unwound_by_signals():
        new, old = _beside(path, "new"), _beside(path, "replaced")
        if old.exists() and not path.exists():
            os.rename(old, path)  # killed between the two renames below
        for leftover in [*path.parent.glob(f"{path.name}.partial-*"), *path.parent.glob(f"{new.name}*"), old]:
            shutil.rmtree(leftover, ignore_errors=True)
        if not path.exists():
            yield path
            return
        check_replaceable(path, overwrite=overwrite)
        try:
            yield new
            os.rename(path, old)
            os.rename(new, path)
        finally:
            shutil.rmtree(new, ignore_errors=True)
            if path.exists():
                shutil.rmtree(old, ignore_errors=True)


def check_replaceable(path: Path, *, overwrite: bool) -> None:
    """Raise UserError when something stands at *path* that must not be replaced."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not (path / MANIFEST).is_file():
        raise UserError(f"{path}: exists and is no store; give another place for the store")
    if not overwrite:
        raise UserError(
            f"{path}: holds a store made from other inputs or settings; give --overwrite to replace it, "
            "or another `store` in the configuration"
        )


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    lock = path.with_name(f".{path.name}.lock")
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"{path}: another process is preparing this store; wait for it to end") from error
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


@contextmanager
def _unwound_by_signals() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that it removes what was written as Ctrl-C does."""

    def unwind(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
