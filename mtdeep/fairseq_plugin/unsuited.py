"""A model that the task cannot train, and a model that copies an option from a task which has none of that name.

A model of fairseq's may take options from its task by interpolation (`${task.tokens_per_sample}`). They are resolved
where a configuration is made, before any command looks at it: what is missing there is said there.
"""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from fairseq.dataclass import utils as dataclass_utils
from fairseq.models import ARCH_MODEL_REGISTRY, FairseqEncoderDecoderModel
from fairseq.models.lstm import LSTMModel
from fairseq.models.nat.fairseq_nat_model import FairseqNATModel
from omegaconf import DictConfig
from omegaconf.errors import InterpolationKeyError

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.deep_model import FairseqDeepModel
from mtdeep.fairseq_plugin.tasks import reads_store


def chosen(cfg: Any, part: str) -> str | None:
    """Return the name of the model, the task or another part, if *cfg* has it."""
    node = cfg.get(part)
    return node if node is None or isinstance(node, str) else getattr(node, "_name", None)


def unsuited_model(arch: str | None, task: str | None) -> Iterator[str]:
    """One phrase when the task `many_to_many_translation` cannot train one of fairseq's own models."""
    model = ARCH_MODEL_REGISTRY.get(arch, object)
    if not reads_store(task) or model is object or issubclass(model, FairseqDeepModel):
        return
    if not issubclass(model, FairseqEncoderDecoderModel) or issubclass(model, (LSTMModel, FairseqNATModel)):
        yield (
            f"--arch {arch} is not supported by the task many_to_many_translation; take one of mtdeep's"
            " or --arch transformer, or write a data-bin with `mtdeep store export-fairseq` for a task of fairseq's"
        )


@contextmanager
def task_options(arch: str | None, task: str | None) -> Iterator[None]:
    """Raise UserError where omegaconf misses an option of the task that the model copies."""
    try:
        yield
    except InterpolationKeyError as error:
        missing = re.search(r"'task\.(\w+)'", str(error))
        if missing is None:
            raise
        reasons = list(unsuited_model(arch, task))
        reasons = reasons or [f"--arch {arch} needs the option {missing[1]} of its task, which --task {task} lacks"]
        raise UserError("; ".join(reasons) + ".") from None


_convert = dataclass_utils.convert_namespace_to_omegaconf


@wraps(_convert)
def convert_namespace_to_omegaconf(args: Namespace) -> DictConfig:
    """Convert flags to a configuration; raises UserError when the model needs an option that the task lacks."""
    with task_options(getattr(args, "arch", None), getattr(args, "task", None)):
        cfg: DictConfig = _convert(args)
    return cfg


# fairseq's commands are imported later, and take it from here.
dataclass_utils.convert_namespace_to_omegaconf = convert_namespace_to_omegaconf
