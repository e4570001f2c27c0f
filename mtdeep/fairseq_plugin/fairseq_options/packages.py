"""Options that need packages: fairseq goes on without those that are missing."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, NamedTuple

from mtdeep.fairseq_plugin.fairseq_options.option import leaf
from mtdeep.fairseq_plugin.fairseq_options.refusals import is_set, value
from mtdeep.fairseq_plugin.options import flag


class Need(NamedTuple):
    """An option that needs one of some packages; *values*: only when it has one of these."""

    place: str
    packages: tuple[str, ...]
    values: tuple[str, ...] = ()


NEEDS = (
    Need("common.tensorboard_logdir", ("tensorboard", "tensorboardX")),
    Need("common.wandb_project", ("wandb",)),
    Need("common.azureml_logging", ("azureml",)),
    Need("common.aim_repo", ("aim",)),
    Need("common.tpu", ("torch_xla",)),
    Need("distributed_training.ddp_backend", ("fairscale",), ("fully_sharded", "slowmo")),
    Need("distributed_training.zero_sharding", ("fairscale",)),
)


def missing_packages(cfg: Any) -> list[str]:
    """Return one phrase for each option of *cfg* whose package is not installed."""
    return [
        f"{flag(leaf(need.place))} needs the package {' or '.join(need.packages)}; install it, or leave that out"
        for need in NEEDS
        if is_set(cfg, need.place)
        and (not need.values or value(cfg, need.place) in need.values)
        and not any(find_spec(package) for package in need.packages)
    ]
