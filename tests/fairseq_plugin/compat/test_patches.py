"""Each patch: without it the fault is there, with it the fault is gone."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin import compat

PROBES = Path(__file__).with_name("probes")
# What fairseq 0.12.2 does without the patch, here.
FAULTS = {
    "hydra_warnings": "UserWarning: hydra.experimental.initialize() is no longer experimental",
    "hydra_train_warnings": "The version_base parameter is not specified",
    "tensorboard_advice": "Please install tensorboardX",
    "torch_load": "argparse.Namespace",
    "plain_checkpoints": "counts are a ndarray",
    "checkpoint_errors": "AssertionError: KeyError",
    "half_checkpoints": "half a checkpoint is left",
    "checkpoint_copies": "the old file was written over",
    "update_checkpoints": "['checkpoint1.pt', 'checkpoint2.pt', 'checkpoint3.pt', 'checkpoint_best.pt', ",
    "plateau_patience": "the rate is still 1.0",
    "encoder_fast_path": "Mask Type should be defined",
    "attention_masks": "Support for mismatched key_padding_mask and attn_mask is deprecated",
    "numpy_aliases (data_utils)": "interpolation",
    "numpy_aliases (language_pair_dataset)": "interpolation",
    "numpy_aliases (token_block_dataset)": "numpy",
    "numpy_aliases (dynamic_crf_layer)": "has no attribute 'float'",
    "indexed_places": "at -2147483648",
    "ngram_repeats": "AssertionError",
    "validate_processes": "KeyError",
    "pinned_memory": "'pin_memory' argument is set as true but no accelerator is found",
    "data_workers": "still waits for work",
    "collected_workers": "is left to the garbage collector",
    "background_consumer": "terminate called without an active exception",
    "tracker_warning": "leaked semaphore objects",
    "bf16_means_tpu": "tpu was set",
    "bf16_factor": "the factor is still nan",
    "amp_scale_off": "_backoff_factor",
    "nan_detector": "StopIteration",
    "torchrun_local_rank": "device 0",
    "cpu_processes": "available devices",
    "worker_errors": "ProcessRaisedException",
    "gloo_backend": "NCCL",
    "worker_ends": "AssertionError: 0",
    "gloo_threads": "terminate called without an active exception",
    "cpu_ddp": "device_ids",
    "ddp_buffers": "`broadcast_buffers` is deprecated",
    "cpu_all_gather": "",
    "cpu_amp": "FutureWarning: `torch.cuda.amp.autocast",
}


def probe_name(patch: str) -> str:
    return patch.replace(" (", "_").rstrip(")")


@pytest.fixture(scope="module")
def bare(run_command) -> dict[str, str]:
    done = run_command("python", PROBES, "bare")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def patched(run_command) -> dict[str, str]:
    done = run_command("python", PROBES)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("patch", [patch.name for patch in compat.PATCHES])
def test_with_the_patch_it_works(patched, patch: str) -> None:
    assert patched[probe_name(patch)] == "ok"


@pytest.mark.parametrize("patch", FAULTS)
def test_without_the_patch_it_fails(bare, patch: str) -> None:
    assert bare[probe_name(patch)] != "ok"
    assert FAULTS[patch] in bare[probe_name(patch)]


def test_what_another_process_has_put_in_the_environment_counts_for_no_patch(run_command) -> None:
    inherited = {"PYTHONWARNINGS": "ignore:semaphore_tracker:UserWarning"}  # as fairseq leaves it to what it starts
    code = "import os, fairseq.data.iterators; print(os.environ['PYTHONWARNINGS'])"
    done = run_command("python", "-c", code, env=inherited)
    assert done.stdout.split() == ["ignore:semaphore_tracker:UserWarning,ignore:resource_tracker:UserWarning"]


def test_every_patch_is_described_and_probed(patched) -> None:
    names = [patch.name for patch in compat.PATCHES]
    assert len(set(names)) == len(names)
    assert {probe_name(name) for name in names} == set(patched)
    assert set(FAULTS) == set(names) - {"dataclass_defaults"}
    for patch in compat.PATCHES:
        assert patch.ticket.startswith(("facebookresearch/fairseq#", "facebookresearch/fairseq/blob/v0.12.2/"))
        assert patch.mends


def test_classes_of_fairseq_keep_value_equality() -> None:
    from fairseq.dataclass.configs import CommonConfig, FairseqConfig

    assert CommonConfig() == CommonConfig()
    assert CommonConfig(seed=2) != CommonConfig()
    assert FairseqConfig().common == CommonConfig()


def test_the_real_dataclass_is_back_in_place() -> None:
    import dataclasses

    import omegaconf.base
    import torch
    from fairseq.dataclass import configs

    assert configs.dataclass is dataclasses.dataclass
    assert dataclasses.dataclass.__module__ == "dataclasses"
    assert omegaconf.base.dataclass is dataclasses.dataclass
    assert torch.__name__ == "torch"


def test_more_processes_than_gpus_is_a_user_error(monkeypatch) -> None:
    """As on a machine with one GPU; without the error fairseq would go on as a single process."""
    import torch
    from fairseq.dataclass.configs import CommonConfig, DistributedTrainingConfig
    from fairseq.distributed import utils
    from omegaconf import OmegaConf

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    training = OmegaConf.structured(DistributedTrainingConfig(tpu=False, distributed_world_size=8))
    cfg = SimpleNamespace(distributed_training=training, common=CommonConfig())
    with pytest.raises(UserError, match="--distributed-world-size is 8, but 1 GPUs are in sight"):
        utils.call_main(cfg, main=None)


def test_checkpoints_with_the_copies_of_the_fast_path_load() -> None:
    """As stock fairseq 0.12.2 wrote them."""
    import torch
    from fairseq.models.transformer import TransformerConfig
    from fairseq.modules.transformer_layer import TransformerEncoderLayerBase

    layer = TransformerEncoderLayerBase(TransformerConfig())
    plain = layer.state_dict()
    copies = {f"{name}_{kind}": torch.zeros(2) for name in ("in_proj", "fc2") for kind in ("weight", "bias")}
    fresh = TransformerEncoderLayerBase(TransformerConfig())
    fresh.load_state_dict({**plain, **copies})
    assert all(torch.equal(fresh.state_dict()[name], value) for name, value in plain.items())
