"""`checkpoint_best.pt` and `checkpoint_last.pt` are copied over in place, so a kill leaves half a file.

fairseq writes the first file of a save under a temporary name and renames it (without syncing it to disk), then copies
it onto the others. Here the rename syncs first, and a copy is a second name for the same bytes (a hard link, or a
synced temporary copy where the file system has none) moved into place at once.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from functools import partial
from pathlib import Path

from mtdeep.durable import sync_directory, write_atomically
from mtdeep.fairseq_plugin.compat.patch import Patch, is_ours

MODULE = "fairseq.file_io"
NO_LINKS = (errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EMLINK)


def rename(source: str, destination: str) -> None:
    """Move a complete file into place so that a power cut leaves the old one or the new one."""
    with open(source, "rb") as file:
        os.fsync(file.fileno())
    os.replace(source, destination)
    sync_directory(Path(destination).absolute().parent)


def copy(source: str, destination: str) -> bool:
    """Make `destination` hold what `source` holds, at once; always true, as fairseq asserts it."""
    place = Path(destination)
    if place.exists() and place.samefile(source):
        return True

    def second_name(temporary: Path) -> None:
        # What a killed run left may be a link to an older checkpoint, which a copy into it would overwrite.
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            shutil.copyfile(source, temporary)

    write_atomically(place, second_name)
    sync_directory(place.absolute().parent)
    return True


def needed() -> bool:
    """Whether fairseq still copies with `shutil.copyfile`."""
    return "copyfile" in sys.modules[MODULE].PathManager.copy.__code__.co_names


def apply() -> None:
    """Put the two functions in place for local paths; others still go through iopath."""
    manager = sys.modules[MODULE].PathManager
    original_copy, original_rename = manager.copy, manager.rename

    def copy_checkpoint(src_path: str, dst_path: str, overwrite: bool = False) -> bool:
        if manager.path_requires_pathmanager(src_path) or manager.path_requires_pathmanager(dst_path):
            return bool(original_copy(src_path, dst_path, overwrite))
        return copy(src_path, dst_path)

    def rename_checkpoint(src: str, dst: str) -> None:
        if manager.path_requires_pathmanager(dst):
            original_rename(src, dst)
        else:
            rename(src, dst)

    manager.copy, manager.rename = staticmethod(copy_checkpoint), staticmethod(rename_checkpoint)


PATCH = Patch(
    name="checkpoint_copies",
    mends="best and last checkpoints are copied in place and damaged by a kill",
    ticket="facebookresearch/fairseq#2684",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(is_ours, MODULE, "PathManager", "copy"),
)
