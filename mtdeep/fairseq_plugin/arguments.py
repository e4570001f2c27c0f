"""A model's arguments in the two forms that fairseq hands them over in.

A command line becomes a Namespace, flat, with the options of the task and all else beside the model's. A configuration
file of `fairseq-hydra-train` becomes a `DictConfig` of the model's options alone, and so does what it recorded in a
checkpoint.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from omegaconf import DictConfig, OmegaConf, open_dict

ModelArguments = Namespace | DictConfig


def as_dict(args: ModelArguments) -> dict[str, object]:
    """Return what *args* holds; what a configuration file leaves null is not given."""
    if isinstance(args, Namespace):
        return dict(vars(args))
    values = OmegaConf.to_container(args, resolve=True)
    assert isinstance(values, dict)
    return {str(name): value for name, value in values.items() if value is not None}


def write(args: ModelArguments, values: Mapping[str, object]) -> None:
    """Set *values* in *args*, whose node may be closed to names that are new to it."""
    if isinstance(args, Namespace):
        vars(args).update(values)
        return
    with open_dict(args):
        args.update(values)
