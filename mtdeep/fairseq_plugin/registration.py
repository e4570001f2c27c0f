"""What fairseq learns from us once it is imported: architectures, criterions, optimizers, tasks."""

from __future__ import annotations

from importlib import import_module

REGISTERING = ("architectures", "criterions", "optimizers", "tasks")


def register() -> None:
    """Import every module that registers something; fairseq's decorators do the rest, once a process."""
    for name in REGISTERING:
        import_module(f"mtdeep.fairseq_plugin.{name}")
