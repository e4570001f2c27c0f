"""`fairseq-hydra-train`: our models as its groups of configuration, and a user's mistakes in one sentence.

hydra prints an exception in a form of its own and ends with exit code 1. What it finds wrong before the job starts
reaches `sys.excepthook` only under `HYDRA_FULL_ERROR=1`; out of the job itself only a `SystemExit` comes unchanged.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from types import TracebackType

from fairseq.dataclass import initialize
from fairseq.models import ARCH_MODEL_REGISTRY
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.deep_model import FairseqDeepModel
from mtdeep.fairseq_plugin.importing import tell
from mtdeep.fairseq_plugin.unsuited import chosen, task_options

WRONG = (HydraException, OmegaConfBaseException, YAMLError)


class Composition:
    """Whether hydra is still putting the configuration together: until then what it complains of is the user's."""

    goes_on = False


def store_models() -> None:
    """Let `model=NAME` choose one of our architectures, with all of its options unset."""
    for name, model in ARCH_MODEL_REGISTRY.items():
        if issubclass(model, FairseqDeepModel):
            node = {"_name": name, **dict.fromkeys(sorted(model.options()))}
            ConfigStore.instance().store(name=name, group="model", node=node, provider="mtdeep")


@contextmanager
def ending_jobs() -> Iterator[None]:
    """Inside a job of hydra's, end the program on a UserError as elsewhere; outside let it pass."""
    try:
        yield
    except UserError as error:
        if not HydraConfig.initialized():
            raise
        tell(error)
        raise SystemExit(error.exit_code) from None


def sentence(error: BaseException, cfg: DictConfig | None = None) -> str:
    """Return what hydra, omegaconf or yaml find wrong in a configuration, in one sentence."""
    if isinstance(error, YAMLError):
        return f"the configuration is not YAML: {' '.join(str(error).split())}."
    cause = error if error.__cause__ is None else error.__cause__
    place = getattr(cause, "full_key", None) or ""
    if cfg is not None and isinstance(error, OmegaConfBaseException):
        place = next((f"{part}.{place}" for part, node in _nodes(cfg) if place in node), place)
    # Indented lines name classes of fairseq's; after an empty one hydra lists where it has looked.
    lines = [line for text in (error, cause) for line in str(text).partition("\n\n")[0].splitlines()]
    reasons = dict.fromkeys(line.rstrip(".") for line in lines if not line[:1].isspace())
    return f"the configuration is wrong{f' at {place}' if place else ''}: {'; '.join(reasons)}."


def _nodes(cfg: DictConfig) -> Iterator[tuple[str, DictConfig]]:
    for part in cfg:
        if not OmegaConf.is_missing(cfg, part) and isinstance(node := cfg.get(part), DictConfig):
            yield str(part), node


_add_defaults, _hydra_init = initialize.add_defaults, initialize.hydra_init


@wraps(_add_defaults)
def add_defaults(cfg: DictConfig) -> None:
    """Compare each part with its dataclass; raises UserError for an unknown option, or a value of another type."""
    Composition.goes_on = False
    if OmegaConf.is_missing(cfg, "model"):  # the one part whose absence would be an error of omegaconf's
        cfg.model = None
    with ending_jobs():
        try:
            _add_defaults(cfg)
            with task_options(chosen(cfg, "model"), chosen(cfg, "task")):
                OmegaConf.to_container(cfg, resolve=True)
        except OmegaConfBaseException as error:
            raise UserError(sentence(error, cfg)) from None


@wraps(_hydra_init)
def hydra_init(cfg_name: str = "config") -> None:
    """Tell hydra of fairseq's configuration, and have its complaints about the user's in one sentence."""
    _hydra_init(cfg_name)
    Composition.goes_on = True
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    previous = sys.excepthook

    def in_one_sentence(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
        if isinstance(value, WRONG) and Composition.goes_on:
            kind, value = UserError, UserError(sentence(value))
        previous(kind, value, traceback)

    sys.excepthook = in_one_sentence


initialize.add_defaults, initialize.hydra_init = add_defaults, hydra_init
store_models()
