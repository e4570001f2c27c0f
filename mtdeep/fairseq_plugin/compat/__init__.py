"""The patches that let fairseq 0.12.2 run on a current Python, torch and numpy, one file each.

Patches are for what is broken; new behaviour belongs elsewhere. Nothing here imports fairseq or torch before the hook
asks for it.
"""

from __future__ import annotations

from typing import Literal

from mtdeep.fairseq_plugin.compat import (
    amp_scale_off,
    attention_masks,
    background_consumer,
    bf16_factor,
    bf16_means_tpu,
    checkpoint_copies,
    checkpoint_errors,
    collected_workers,
    cpu_all_gather,
    cpu_amp,
    cpu_ddp,
    cpu_processes,
    data_workers,
    dataclass_defaults,
    ddp_buffers,
    encoder_fast_path,
    gloo_backend,
    gloo_threads,
    half_checkpoints,
    hydra_train_warnings,
    hydra_warnings,
    indexed_places,
    nan_detector,
    ngram_repeats,
    numpy_aliases,
    pinned_memory,
    plain_checkpoints,
    plateau_patience,
    tensorboard_advice,
    torch_load,
    torchrun_local_rank,
    tracker_warning,
    update_checkpoints,
    validate_processes,
    worker_ends,
    worker_errors,
)
from mtdeep.fairseq_plugin.compat.patch import Patch

#: Every patch, in the order in which those of one moment are applied.
PATCHES: tuple[Patch, ...] = (
    dataclass_defaults.PATCH,
    hydra_warnings.PATCH,
    hydra_train_warnings.PATCH,
    tensorboard_advice.PATCH,
    torch_load.PATCH,
    plain_checkpoints.PATCH,
    checkpoint_errors.PATCH,
    half_checkpoints.PATCH,
    checkpoint_copies.PATCH,
    update_checkpoints.PATCH,
    plateau_patience.PATCH,
    encoder_fast_path.PATCH,
    attention_masks.PATCH,
    *numpy_aliases.PATCHES,
    indexed_places.PATCH,
    ngram_repeats.PATCH,
    validate_processes.PATCH,
    data_workers.PATCH,
    pinned_memory.PATCH,
    collected_workers.PATCH,
    background_consumer.PATCH,
    tracker_warning.PATCH,
    bf16_means_tpu.PATCH,
    bf16_factor.PATCH,
    amp_scale_off.PATCH,
    nan_detector.PATCH,
    torchrun_local_rank.PATCH,
    cpu_processes.PATCH,
    worker_errors.PATCH,
    gloo_backend.PATCH,
    worker_ends.PATCH,
    gloo_threads.PATCH,
    cpu_ddp.PATCH,
    ddp_buffers.PATCH,
    cpu_all_gather.PATCH,
    cpu_amp.PATCH,
)

#: What became of each patch whose moment has come, by name.
outcome: dict[str, Literal["applied", "not needed"]] = {}

_WATCHED = frozenset(patch.module for patch in PATCHES)


def watched_modules() -> frozenset[str]:
    """The modules of fairseq around whose execution something is applied."""
    return _WATCHED


def apply(moment: Literal["before", "after"], module: str) -> None:
    """Apply the patches of this moment of this module that are needed and do not stand yet."""
    for patch in PATCHES:
        if (patch.moment, patch.module) != (moment, module) or patch.active():
            continue
        if patch.needed():
            patch.apply()
            outcome[patch.name] = "applied"
        else:
            outcome[patch.name] = "not needed"
