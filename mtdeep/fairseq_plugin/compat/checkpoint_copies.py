"""`checkpoint_best.pt` and `checkpoint_last.pt` are copied over in place, so a kill leaves half a file.

fairseq writes the first file of a save under a temporary name and renames it (without syncing it to disk), then copies
it onto the others. Here the rename syncs first, and a copy is written and synced under a temporary name and moved into
place at once. Each is a file of its own: whatever is written into one leaves the others as they are.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

from mtdeep.durable import sync_directory, write_atomically
from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.file_io"
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
CHUNK = 1 << 30


def rename(source: str, destination: str) -> None:
    """Move a complete file into place so that a power cut leaves the old one or the new one."""
    with open(source, "rb") as file:
        os.fsync(file.fileno())
    os.replace(source, destination)
    sync_directory(Path(destination).absolute().parent)


def copy(source: str, destination: str) -> bool:
    """Make `destination` hold what `source` holds, at once; always true, as fairseq asserts it."""
    place = Path(destination)
    if place.absolute() == Path(source).absolute():
        return True

    def duplicate(temporary: Path) -> None:
        # What a killed run of an earlier version left may be a link to an older checkpoint: never write into it.
        temporary.unlink(missing_ok=True)
        _duplicate(source, temporary)

    write_atomically(place, duplicate)
    sync_directory(place.absolute().parent)
    return True


def _duplicate(source: str, destination: Path) -> None:
    """Copy a file inside the kernel, which shares the blocks where the file system can (Btrfs, XFS), else by Python."""
    with open(source, "rb") as original, destination.open("xb") as new:
        try:
            while os.copy_file_range(original.fileno(), new.fileno(), CHUNK):
                pass
        except OSError as error:
            if error.errno in NO_SPACE:
                raise
        # Some file systems copy nothing, or less than all, and report the end of the file.
        complete = os.fstat(new.fileno()).st_size == os.fstat(original.fileno()).st_size
    if not complete:
        shutil.copyfile(source, destination)


def is_elsewhere(path: str) -> bool:
    """Return whether a path is no local one, and so goes through iopath."""
    return bool(sys.modules[MODULE].PathManager.path_requires_pathmanager(path))


def copying_at_once(original: Callable[..., bool]) -> Any:
    """Return a method that copies local files by `copy`."""

    @wraps(original)
    def copy_checkpoint(src_path: str, dst_path: str, overwrite: bool = False) -> bool:
        if is_elsewhere(src_path) or is_elsewhere(dst_path):
            return bool(original(src_path, dst_path, overwrite))
        return copy(src_path, dst_path)

    return staticmethod(copy_checkpoint)


def renaming_durably(original: Callable[..., None]) -> Any:
    """Return a method that renames local files by `rename`."""

    @wraps(original)
    def rename_checkpoint(src: str, dst: str) -> None:
        if is_elsewhere(dst):
            original(src, dst)
        else:
            rename(src, dst)

    return staticmethod(rename_checkpoint)


PATCH = replacement(
    name="checkpoint_copies",
    mends="best and last checkpoints are copied in place and damaged by a kill",
    ticket="facebookresearch/fairseq#2684",
    module=MODULE,
    needed=partial(uses, MODULE, "PathManager.copy", "copyfile"),
    places={"PathManager.copy": copying_at_once, "PathManager.rename": renaming_durably},
)
