"""Whether the bytes of a checkpoint are still those that were written: torch maps them into memory without a look.

`torch.save` writes a zip archive, which holds a CRC-32 of each tensor. Before torch 1.6 it wrote a pickle, without one.
"""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile, is_zipfile

from mtdeep.checkpoint.read import load_plain
from mtdeep.errors import DamagedFile, UserError


def is_intact(path: Path) -> bool:
    """Whether a checkpoint is there, and as it was written."""
    try:
        load_intact(path)
    except UserError:
        return False
    return True


def load_intact(path: Path | str) -> dict[str, object]:
    """Return the dictionary in a checkpoint as `load_plain` does, once all of its bytes have been looked at.

    Raises DamagedFile when they have changed since, or are not all there, and UserError as `load_plain` does.
    """
    path = Path(path)
    state = load_plain(path)
    if is_zipfile(path):
        try:
            with ZipFile(path) as archive:
                changed = archive.testzip()
        except Exception as error:  # of a directory whose bytes have changed: errors of any kind
            raise DamagedFile(f"{path}: damaged ({error}); give another checkpoint.") from error
        if changed is not None:
            raise DamagedFile(f"{path}: damaged, {changed} in it is not what was written; give another checkpoint.")
    return state
