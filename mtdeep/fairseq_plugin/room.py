"""Whether the disk has room for a training's checkpoints, looked at before its first update."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.depth_rates import ADAMS
from mtdeep.fairseq_plugin.unsuited import chosen
from mtdeep.planning.units import format_bytes

logger = logging.getLogger(__name__)
WEIGHT, MOMENTS = 4, 8
"""Bytes: a checkpoint's weights are in float32, and so are both of Adam's moments."""


def check_room(trainer: Any) -> None:
    """Raise UserError when a checkpoint does not fit on the disk; warn when those of one save do not.

    A new file is whole before it takes the place of an old one.
    """
    options = trainer.cfg.checkpoint
    if options.no_save or trainer.is_fsdp:  # whose processes share a checkpoint out
        return
    size, names, folder = size_of_checkpoint(trainer), names_of_a_save(options), Path(options.save_dir)
    existing = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(existing).free
    sentence = (
        f"--save-dir {folder}: its disk has {format_bytes(free)} free, and a checkpoint of this training takes "
        f"{format_bytes(size)}"
    )
    if free < size:
        raise UserError(f"{sentence}; make room, or give another folder.")
    if free < size * names:
        logger.warning(
            f"{sentence}, of which one save writes {names}; make room, or see --no-epoch-checkpoints, "
            "--keep-last-epochs and --keep-interval-updates"
        )


def size_of_checkpoint(trainer: Any) -> int:
    """Return about how many bytes a checkpoint has; the state of optimizers other than Adam is not counted."""
    modules = (trainer.get_model(), trainer.get_criterion())
    size = WEIGHT * sum(_elements(module.state_dict().values()) for module in modules)
    if not trainer.cfg.checkpoint.no_save_optimizer_state and chosen(trainer.cfg, "optimizer") in ADAMS:
        size += MOMENTS * sum(_elements(_trained(module)) for module in modules)
    if trainer.cfg.ema.store_ema:
        size += WEIGHT * _elements(trainer.get_model().parameters())
    return size


def names_of_a_save(options: Any) -> int:
    """Return how many checkpoints one save may write: of the epoch or of updates, the best and the last."""
    numbered = not options.no_epoch_checkpoints or options.save_interval_updates > 0
    return numbered + (options.keep_best_checkpoints > 0) + 1 + (not options.no_last_checkpoints)


def _trained(module: nn.Module) -> list[Tensor]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def _elements(tensors: Any) -> int:
    """Return how many numbers there are in tensors; those that share their memory count once, as in a file."""
    return sum({tensor.data_ptr(): tensor.numel() for tensor in tensors}.values())
