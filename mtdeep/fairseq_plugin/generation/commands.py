"""fairseq's commands that translate, with ours in their place where the task is ours; and the one that scores."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from fairseq import utils
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from omegaconf import open_dict

from mtdeep.fairseq_plugin.fairseq_options.refusals import is_set
from mtdeep.fairseq_plugin.generation.checks import (
    GENERATE,
    check_process,
    check_shard,
    complain,
    missing_path,
)
from mtdeep.fairseq_plugin.generation.scored_files import score_files
from mtdeep.fairseq_plugin.generation.split import generate
from mtdeep.fairseq_plugin.generation.typed import translate_typed
from mtdeep.fairseq_plugin.generation.typed_lines import buffered_read
from mtdeep.fairseq_plugin.model_overrides import model_overrides
from mtdeep.fairseq_plugin.tasks import reads_store

Main = Callable[..., Any]


def take_over(command: Any) -> None:
    """Replace the entry of a module of fairseq's commands that has just been executed, if it is one of these."""
    name = command.__name__.rpartition(".")[2]
    if name == "generate":
        command.main = _dispatched(command.main, GENERATE, generate, adapt)
    elif name == "interactive":
        command.buffered_read = buffered_read
        command.main = _dispatched(command.main, "fairseq-interactive", translate_typed)
    elif name == "score":
        command.cli_main = partial(score_files, command.get_parser)


def _dispatched(main: Main, name: str, ours: Main, adapt: Callable[[Any], None] = lambda cfg: None) -> Main:
    """Return *main*, which gives way to *ours* if the task is ours, and for other tasks is given an adapted *cfg*.

    Under the name of *main*, by which fairseq hands it to processes that it starts.
    """

    @wraps(main)
    def run(cfg: Any, *arguments: Any, **options: Any) -> Any:
        cfg = convert_namespace_to_omegaconf(cfg) if isinstance(cfg, Namespace) else cfg
        check_process(cfg, name)
        if reads_store(cfg.task._name):
            return ours(cfg)
        complain([*missing_path(cfg)])
        model_overrides(cfg, utils.split_paths(cfg.common_eval.path))
        adapt(cfg)
        return main(cfg, *arguments, **options)

    return run


def adapt(cfg: Any) -> None:
    """Let fairseq's own loop heed --num-shards, in whose place it looks at processes, and --sacrebleu."""
    check_shard(cfg)
    cfg.distributed_training.distributed_world_size = cfg.dataset.num_shards
    cfg.distributed_training.distributed_rank = cfg.dataset.shard_id
    if cfg.generation.sacrebleu and not is_set(cfg, "scoring"):
        with open_dict(cfg):
            cfg.scoring = {"_name": "sacrebleu"}  # what it lacks has its default
