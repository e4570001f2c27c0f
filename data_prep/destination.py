"""Where a store goes: never half-written, never two writers, replaced in one step.

Beside a store NAME a run makes `.NAME.mtdeep-new` (and the store writer, from it, `.NAME.mtdeep-new.partial-XXXXXXXX`),
`.NAME.mtdeep-replaced` and `.NAME.mtdeep-lock`. Nothing else there is ever touched.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mtdeep.corpus.manifest import FORMAT, MANIFEST
from mtdeep.corpus.store import Store
from mtdeep.corpus.store_appender import StoreAppender
from mtdeep.durable import one_writer, sync_directory
from mtdeep.errors import UserError

_PARTIAL = r"\.partial-[a-z0-9_]{8}"  # what StoreWriter's tempfile.mkdtemp appends
_OURS = re.compile(rb'"format"\s*:\s*"%s"' % FORMAT.encode())
_HEAD = 4096  # bytes of a manifest in which its format stands, even when the rest is lost


@contextmanager
def place_for(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give the path to write a new store to; when the block ends well, the store stands at *path*.

    What an earlier run left when it was killed is removed first, and a termination signal unwinds this run like any
    exception. Raises UserError when another process prepares the same store, or *path* holds something else.
    """
    check_replaceable(path, overwrite=overwrite)
    if path.is_symlink():  # to another disk, perhaps: what is renamed has to stand there
        path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    new, old = _beside(path, "new"), _beside(path, "replaced")
    with one_writer(path), _unwound_by_signals():
        _restore(old, path)
        for leftover in [new, old, *_partial(new)]:
            shutil.rmtree(leftover, ignore_errors=True)
        check_replaceable(path, overwrite=overwrite)
        try:
            yield new
            if path.exists():
                os.rename(path, old)
            os.rename(new, path)
            sync_directory(path.parent)
        finally:
            _restore(old, path)
            for leftover in (new, old):
                shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def appended_to(path: Path) -> Iterator[StoreAppender]:
    """Give what appends to the store at *path*; nobody else writes it meanwhile, and a signal unwinds the run."""
    with _unwound_by_signals(), StoreAppender(path) as appender:
        yield appender


def check_replaceable(path: Path, *, overwrite: bool) -> None:
    """Raise UserError, saying what it is, when something stands at *path* that must not be replaced."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not holds_store(path):
        raise UserError(f"{path}: exists and is no store; remove it, or give another place for the store")
    if overwrite:
        return
    readable_store(path)
    raise UserError(f"{path}: holds a store; give --overwrite to replace it, or another place for the store")


def readable_store(path: Path) -> Store:
    """Return the store that stands at *path*; raises UserError, which says what to do, when it cannot be read."""
    try:
        return Store(path)
    except UserError as error:
        raise UserError(f"{error} (--overwrite prepares it again)") from error


def holds_store(path: Path) -> bool:
    """Tell a store, be it damaged or of another version, from a folder that merely has a manifest.json."""
    manifest = path / MANIFEST
    if not manifest.is_file():
        return False
    with manifest.open("rb") as file:
        return _OURS.search(file.read(_HEAD)) is not None


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f".{path.name}.mtdeep-{what}")


def _partial(new: Path) -> list[Path]:
    """Return what the store writer left of *new*."""
    name = re.compile(re.escape(new.name) + _PARTIAL)
    return [sibling for sibling in new.parent.iterdir() if name.fullmatch(sibling.name)]


def _restore(old: Path, path: Path) -> None:
    """Put the old store back when a run ended between the two renames."""
    if holds_store(old) and not path.exists():
        os.rename(old, path)


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
