"""What all our models have for fairseq's command line: options, the defaults of an architecture, a record of both."""

from __future__ import annotations

import logging
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from fairseq.tasks import TASK_REGISTRY, FairseqTask
from torch import nn

from mtdeep.checkpoint import config_from_arguments
from mtdeep.checkpoint.model_options import MODEL_OPTIONS, POSITION_OPTIONS, Stacks, options_of
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.arguments import ModelArguments, as_dict, write
from mtdeep.fairseq_plugin.flags import Arguments, add_flags, unset_arguments
from mtdeep.nn import Config
from mtdeep.nn.config import DEFAULTS, SchemeName
from mtdeep.nn.presets import Fields, scheme_fields

logger = logging.getLogger(__name__)


class FairseqDeepModel:
    """A model built from an ``nn.Config``; fairseq knows a subclass for each scheme, which `architectures` makes.

    scheme: how branches join the stream.
    stack_names: the stacks that the model has, on which its options depend.
    inherited: from which option another one takes its value when neither the command line nor the preset sets it.
    task: fairseq's only task for a stack on its own.
    from_task: the task's options that the model depends on.
    """

    scheme: ClassVar[SchemeName]
    stack_names: ClassVar[Stacks]
    inherited: ClassVar[Mapping[str, str]] = {}
    task: ClassVar[str | None] = None
    from_task: ClassVar[tuple[str, ...]]

    config: Config

    def set_num_updates(self, num_updates: int) -> None:
        """Say how many updates the weights have had, as fairseq does before every batch and when a checkpoint is read.

        fairseq's own asks each module whether it wants to know, which takes 114 ms of 500 + 500 layers. The stacks do.
        """
        for name in self.stack_names:
            getattr(self, name).set_num_updates(num_updates)

    @classmethod
    def add_args(cls, parser: ArgumentParser) -> None:
        """Add the flags."""
        add_flags(parser, options_of(cls.stack_names))

    @classmethod
    def options(cls) -> frozenset[str]:
        """Return the names of the options, as a configuration file has them."""
        return frozenset(option.name for option in options_of(cls.stack_names))

    @classmethod
    def architecture(cls, preset: Fields) -> Callable[[ModelArguments], None]:
        """Return fairseq's "architecture function": it sets what is not set yet."""
        options = [option for option in options_of(cls.stack_names) if option.name not in cls.inherited]
        unset = unset_arguments(options, preset)

        def fill_in(args: ModelArguments) -> None:
            given = as_dict(args)
            if any(given.get(option.name) for option in POSITION_OPTIONS if option.is_switch):
                given.setdefault("positions", None)  # said already, in fairseq's words
            for name, value in unset.items():
                given.setdefault(name, value)
            for name, origin in cls.inherited.items():
                given.setdefault(name, given[origin])
            write(args, given)

        return fill_in

    @classmethod
    def complete(cls, args: ModelArguments, task: FairseqTask) -> dict[str, object]:
        """Fill in *args* what the model depends on, and return it.

        A command line holds the task's options, too; a configuration file has them elsewhere. An architecture of the
        user's own may have set its sizes alone.
        """
        if not isinstance(args, Namespace):
            options, given = as_dict(task.cfg), as_dict(args)
            write(args, {name: options.get(name) for name in cls.from_task if name not in given})
        cls.architecture(scheme_fields(cls.scheme))(args)
        return {**dict.fromkeys(cls.from_task), **as_dict(args)}

    @classmethod
    def check_task(cls, task: FairseqTask) -> None:
        """Raise UserError when a stack on its own has another task than its own."""
        if cls.task is not None and not isinstance(task, TASK_REGISTRY[cls.task]):
            scheme = cls.__name__.rpartition("_")[0]
            raise UserError(f"--arch {cls.__name__} is for --task {cls.task}; give that task, or --arch {scheme}_mt.")

    @classmethod
    def recorded_config(
        cls,
        args: ModelArguments,
        arguments: Arguments,
        source_size: int,
        target_size: int,
        problems: Iterable[str],
    ) -> Config:
        """Return the configuration that *arguments* describe, put it into *args*, and warn of flags without effect."""
        config = config_from_arguments(
            arguments,
            source_vocabulary_size=source_size,
            target_vocabulary_size=target_size,
            scheme=cls.scheme,
            known_problems=problems,
        )
        for name in sorted(config.idle()):
            if getattr(config, name) != DEFAULTS[name]:
                flag = next(option.flag for option in MODEL_OPTIONS if name in option.fields)
                logger.warning(f"{flag} has no effect here (scheme {config.scheme}, shaping {config.shaping}).")
        write(args, {"mtdeep_config": config.to_dict()})
        return config


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the model inside the wrappers of distributed training."""
    while isinstance(inner := getattr(model, "module", None), nn.Module):
        model = inner
    return model


def deep_model(model: nn.Module) -> FairseqDeepModel | None:
    """Return the model inside those wrappers, if it is one of ours."""
    inner = unwrapped(model)
    return inner if isinstance(inner, FairseqDeepModel) else None
