"""Probes of what a command does as it starts: fairseq's import, configurations, options."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import warnings
from types import SimpleNamespace

from fairseq import checkpoint_utils, options, tasks
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.models.transformer import TransformerConfig


def dataclass_defaults() -> None:
    assert TransformerConfig().encoder.embed_dim == 512


def hydra_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convert_namespace_to_omegaconf(argparse.Namespace())


def hydra_train_warnings() -> None:
    """fairseq's program alone is declared without a warning."""
    import hydra

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        importlib.import_module("fairseq_cli.hydra_train")
        fairseqs = list(caught)
        hydra.main(config_path=None)(probe_of_another_program)
    assert len(caught) == 1 + len(fairseqs)
    assert not fairseqs, fairseqs[0].message


def probe_of_another_program() -> None:
    pass


def tensorboard_advice() -> None:
    messages = []
    logger = logging.getLogger("fairseq.tasks.text_to_speech")
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    sys.modules.pop("fairseq.tasks.text_to_speech")
    tasks.TASK_REGISTRY.pop("text_to_speech")
    tasks.TASK_CLASS_NAMES.remove("TextToSpeechTask")
    importlib.import_module("fairseq.tasks.text_to_speech")
    logger.info("something else")
    assert messages == ["something else"], messages[0]


def bf16_means_tpu() -> None:
    parser = options.get_training_parser()
    args = options.parse_args_and_arch(parser, ["data", "--arch", "transformer", "--bf16"])
    assert args.bf16 and not args.tpu, "tpu was set"
    args = options.parse_args_and_arch(options.get_training_parser(), ["data", "--arch", "transformer", "--tpu"])
    assert args.tpu


def validate_processes() -> None:
    """The command's last batch in a process that has one less."""
    load = checkpoint_utils.load_model_ensemble_and_task
    task = SimpleNamespace(valid_step=lambda sample, *_: sample["net_input"])
    checkpoint_utils.load_model_ensemble_and_task = lambda *_: ([], None, task)
    try:
        from fairseq_cli import validate

        loaded = validate.checkpoint_utils.load_model_ensemble_and_task([])[2]
    finally:
        checkpoint_utils.load_model_ensemble_and_task = load
    assert loaded.valid_step({}, None, None) == (0.0, 0, {})
    assert loaded.valid_step({"net_input": 1}, None, None) == 1


PROBES = (
    dataclass_defaults,
    hydra_warnings,
    hydra_train_warnings,
    tensorboard_advice,
    bf16_means_tpu,
    validate_processes,
)
