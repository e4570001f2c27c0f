"""What fairseq learns from us once it is imported: architectures, criterions, schedules, optimizers, tasks, trainer.

Then what a training can be told, how it sets tasks up, loads checkpoints to translate with, what its hub returns, and
what its commands say to a wrong command line.
"""

from __future__ import annotations

from importlib import import_module

ADDING = (
    "architectures",
    "criterions",
    "lr_schedules",
    "optimizers",
    "training_options",
    "tasks",
    "trainer",
    "saving",
    "task_setup",
    "generation.loading",
    "generation.hub",
    "unsuited",
    "user_modules",
    "command_parser",
    "hydra_train",
    "processes.joining",
    "start",
)


def register() -> None:
    """Import every module that adds something to fairseq, which it does once a process."""
    for name in ADDING:
        import_module(f"mtdeep.fairseq_plugin.{name}")
