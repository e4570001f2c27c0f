"""What a training that ends before its time goes on from, in the sentence that it ends with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mtdeep.checkpoint.folder import whole_checkpoints
from mtdeep.errors import shortened
from mtdeep.fairseq_plugin.reading_options import DEFAULT_RESTORE_FILE, last_checkpoint


def going_on(options: Any) -> str:
    """Return what the same command would do next, *options* being those of checkpoints."""
    if options.restore_file != DEFAULT_RESTORE_FILE:
        return f"the same command starts from {options.restore_file} again"
    whole, last = whole_checkpoints(Path(options.save_dir)), last_checkpoint(options)
    for checkpoint in whole:
        if checkpoint.path == last:
            return f"the same command goes on from {last} (update {checkpoint.updates:,})"
    if whole:
        return f"the same command with --restore-file {whole[-1].path} goes on from update {whole[-1].updates:,}"
    return "no checkpoint has been written yet, so the same command starts from the beginning"


def what_is_kept(options: Any) -> str:
    """Return which checkpoints of a training are whole, newest first, and what the same command would do next."""
    whole = [str(checkpoint) for checkpoint in reversed(whole_checkpoints(Path(options.save_dir)))]
    return (
        f"{shortened(whole)} {'is' if len(whole) == 1 else 'are'} whole; {going_on(options)}"
        if whole
        else going_on(options)
    )


def way_out(damaged: Path) -> str:
    """Return what can be done about a last checkpoint that cannot be read."""
    whole = whole_checkpoints(damaged.parent)
    if not whole:
        return f"{damaged.parent} has none; remove {damaged.name} to start from the beginning"
    return f"the newest in {damaged.parent} is {whole[-1]}: copy it over {damaged.name}, or give it as --restore-file"
