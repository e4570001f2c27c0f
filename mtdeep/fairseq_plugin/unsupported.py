"""fairseq's options that its commands take and that would do nothing here: each is refused by name.

A name is the option's place in fairseq's configuration, `dataset.curriculum` for `--curriculum`. What stands behind it
says why, and what to do instead. `tests/fairseq_plugin/test_unsupported.py` walks through fairseq's parsers: an option
is either here, or known to be heeded.
"""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Iterable, Mapping
from functools import reduce
from importlib.util import find_spec
from typing import Any, NamedTuple

from fairseq.dataclass.configs import FairseqConfig
from fairseq.tasks.translation import TranslationConfig

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.options import flag

Refusals = Mapping[str, str]
_SHARES = "it belongs to fairseq-generate and fairseq-eval-lm; leave it out, or share with --distributed-world-size"
_ORDER = "the order of a store's batches follows from --seed alone; leave it out"
_FEWER_CLASSES = "mtdeep's layers are not of the classes that it needs; leave it out"
_PRINTED = "the figures are printed; leave it out, and keep the output"
_ONE_SPLIT = "name the splits in --valid-subset, separated by commas"
_WHOLE_SPLIT = "the whole split is read; leave it out"
_FLOAT = "without --fp16 a checkpoint is evaluated in float32; leave it out"
_TRAINING = "it belongs to a training; leave it out"

#: What only a training heeds, and no command that reads its checkpoints.
TRAINING_ONLY: Refusals = {
    "common.log_file": _TRAINING,
    "common.tensorboard_logdir": _TRAINING,
    "common.wandb_project": _TRAINING,
    "common.aim_repo": _TRAINING,
    "common.azureml_logging": _TRAINING,
    "dataset.max_tokens_valid": "here it is --max-tokens",
    "dataset.batch_size_valid": "here it is --batch-size",
    "dataset.max_valid_steps": _WHOLE_SPLIT,
}
# What neither fairseq-validate nor fairseq-eval-lm heeds.
_EVALUATION: Refusals = {
    **TRAINING_ONLY,
    "common.bf16": _FLOAT,
    "common.amp": _FLOAT,
    "common_eval.results_path": _PRINTED,
}
#: By the name of the command's file in `fairseq_cli`, whatever the task and the model.
BY_COMMAND: Mapping[str, Refusals] = {
    "train": {
        "dataset.num_shards": _SHARES,
        "dataset.shard_id": _SHARES,
        "checkpoint.write_checkpoints_asynchronously": "fairseq would write one file of a save, and leave out "
        "checkpoint_last.pt; leave it out",
    },
    "validate": {
        **_EVALUATION,
        "dataset.num_shards": _SHARES,
        "dataset.shard_id": _SHARES,
        "dataset.gen_subset": "fairseq-validate reads --valid-subset",
        "dataset.combine_valid_subsets": _ONE_SPLIT,
        "common_eval.post_process": "fairseq-validate prints no text; leave it out",
    },
    "eval_lm": {
        **_EVALUATION,
        "dataset.valid_subset": "fairseq-eval-lm reads --gen-subset",
        "dataset.combine_valid_subsets": "fairseq-eval-lm reads --gen-subset",
        "distributed_training.distributed_world_size": "each process would print the figures of its own share; leave "
        "it out, or score shares with --num-shards and --shard-id",
    },
}
#: In a training of one of mtdeep's models.
BY_MODEL: Refusals = {
    "common.model_parallel_size": _FEWER_CLASSES,
    "common.quantization_config_path": _FEWER_CLASSES,
    "distributed_training.pipeline_model_parallel": _FEWER_CLASSES,
}
#: In a training of the task `many_to_many_translation`.
BY_TASK: Refusals = {
    "dataset.curriculum": _ORDER,
    "dataset.grouped_shuffling": _ORDER,
    "dataset.update_epoch_batch_itr": _ORDER,
    "dataset.update_ordered_indices_seed": _ORDER,
    "distributed_training.fix_batches_to_gpus": _ORDER,
    "dataset.required_seq_len_multiple": "a store's batches are as long as their longest sentence; leave it out",
    "dataset.dataset_impl": "a store has a form of its own; leave it out",
    "dataset.combine_valid_subsets": _ONE_SPLIT,
}
# Where the configuration's default is the number of GPUs, and the command's is not.
_ONE = ("distributed_training.distributed_world_size",)
# What fairseq leaves unset, and then takes from another option.
_FOLLOWS = {
    "dataset.max_tokens_valid": "dataset.max_tokens",
    "dataset.batch_size_valid": "dataset.batch_size",
}


class BleuFlag(Action):
    """A flag of the task `translation` that says what BLEU is computed while it trains."""

    def __call__(self, parser: object, namespace: object, values: object, option_string: str | None = None) -> None:
        """Refuse the flag."""
        raise UserError(
            f"{option_string} is not supported by the task many_to_many_translation: leave out all --eval-bleu options,"
            " and score checkpoints with `mtdeep evaluate`."
        )


def refuse_bleu(parser: ArgumentParser) -> None:
    """Let the flags of BLEU while training be known, so that they are refused in a sentence."""
    for name in TranslationConfig.__dataclass_fields__:
        if name.startswith("eval_"):
            parser.add_argument(flag(name), action=BleuFlag, nargs="?", default=SUPPRESS, help=SUPPRESS)


class Need(NamedTuple):
    """An option that needs one of some packages; *values*: only when it has one of these."""

    option: str
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


def refusals(cfg: Any, tables: Iterable[Refusals]) -> list[str]:
    """Return one phrase for each option of *tables* that *cfg* sets to something else than fairseq does."""
    return [f"{flag(leaf(name))}: {why}" for table in tables for name, why in table.items() if is_set(cfg, name)]


def missing_packages(cfg: Any) -> list[str]:
    """Return one phrase for each option of *cfg* whose package is not installed; fairseq would go on without it."""
    return [
        f"{flag(leaf(need.option))} needs the package {' or '.join(need.packages)}; install it, or leave that out"
        for need in NEEDS
        if is_set(cfg, need.option)
        and (not need.values or value(cfg, need.option) in need.values)
        and not any(find_spec(package) for package in need.packages)
    ]


def is_set(cfg: Any, name: str) -> bool:
    """Whether *cfg* holds another value than fairseq's default, or than the option that this one follows."""
    given = value(cfg, name)
    default = 1 if name in _ONE else value(FairseqConfig(), name)
    followed = value(cfg, _FOLLOWS[name]) if name in _FOLLOWS else None
    return given not in (None, False, default, followed)


def value(cfg: Any, name: str) -> Any:
    """Return the value at a place such as `dataset.curriculum`."""
    return reduce(getattr, name.split("."), cfg)


def leaf(name: str) -> str:
    """Return the option's own name."""
    return name.rpartition(".")[2]
