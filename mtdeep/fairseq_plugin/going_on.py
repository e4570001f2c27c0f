"""What a training goes on from: in the sentence with which it ends before its time, and where the last is damaged."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from mtdeep.checkpoint.folder import SavedTraining, newest_intact, whole_checkpoints
from mtdeep.checkpoint.intact import load_intact
from mtdeep.errors import DamagedFile, UserError, shortened
from mtdeep.fairseq_plugin.reading_options import DEFAULT_RESTORE_FILE, last_checkpoint

logger = logging.getLogger(__name__)


def going_on(options: Any) -> str:
    """Return what the same command would do next, *options* being those of checkpoints."""
    if options.restore_file != DEFAULT_RESTORE_FILE:
        return f"the same command starts from {options.restore_file} again"
    whole, last = _whole(options), last_checkpoint(options)
    for checkpoint in whole:
        if checkpoint.path == last:
            return f"the same command goes on from {last} (update {checkpoint.updates:,})"
    if whole and last.exists():
        return f"the same command goes on from {whole[-1].path} (update {whole[-1].updates:,}), as {last} is damaged"
    if whole:
        return f"the same command with --restore-file {whole[-1].path} goes on from update {whole[-1].updates:,}"
    return "no checkpoint has been written yet, so the same command starts from the beginning"


def what_is_kept(options: Any) -> str:
    """Return which checkpoints of a training are whole, newest first, and what the same command would do next."""
    whole = [str(checkpoint) for checkpoint in reversed(_whole(options))]
    return (
        f"{shortened(whole)} {'is' if len(whole) == 1 else 'are'} whole; {going_on(options)}"
        if whole
        else going_on(options)
    )


def whole_in_place_of(last: Path, options: Any) -> Path:
    """Return the last checkpoint, or where it is damaged the newest in its folder that is whole, with a warning.

    Raises UserError when there is none.
    """
    if not last.exists():
        return last
    try:
        load_intact(last)
    except DamagedFile as error:
        newest = newest_intact(last.parent, options.checkpoint_suffix or "")
        if newest is None:
            way_out = f"{last.parent} has no whole one; remove {last.name} to start from the beginning"
            raise UserError(f"{str(error).rstrip('.')}; {way_out}.") from error
        logger.warning(f"{error} The training goes on from {newest} in its place.")
        return newest.path
    return last


def _whole(options: Any) -> list[SavedTraining]:
    return whole_checkpoints(Path(options.save_dir), options.checkpoint_suffix or "")
