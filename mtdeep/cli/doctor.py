"""`mtdeep doctor`: what is installed, which patches of fairseq stand, and how to mend what is wrong."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from mtdeep.cli.version import version_of
from mtdeep.fairseq_plugin.importing import SUPPORTED

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = ("torch", "fairseq", "hydra-core", "omegaconf", "numpy", "sentencepiece", "sacrebleu")
HOOK_FILE = "mtdeep-fairseq.pth"


def doctor() -> None:
    """Print versions, devices, patches and registrations, and a remedy for all that is wrong (then exit code 1)."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 140)
    remedies = [*dict.fromkeys(_package_remedies()), *_hook_remedies()]
    console.print(_versions())
    if version_of("fairseq") == SUPPORTED:
        problem = _import_fairseq()
        if problem is None:
            console.print(_patches(), _registered())
            remedies += _patch_remedies()
        else:
            remedies.append(problem)
    for remedy in remedies:
        console.print(f"wrong: {remedy}", markup=False, highlight=False, soft_wrap=True)
    if remedies:
        raise typer.Exit(1)
    console.print("Everything is in place.")


def _package_remedies() -> Iterator[str]:
    from importlib import metadata

    if not (3, 11) <= sys.version_info < (3, 14):
        yield f"Python {platform.python_version()} is not supported; use 3.11, 3.12 or 3.13"
    try:
        requirements = metadata.requires("mtdeep") or []
    except metadata.PackageNotFoundError:  # imported from a folder, which states no versions
        requirements = [package for package in SHOWN if package != "fairseq"]
    for requirement in requirements:
        yield from _requirement_remedies(requirement)
    version = version_of("fairseq")
    if version != SUPPORTED:
        what = "not installed" if version is None else f"of version {version}, for which mtdeep stays switched off"
        yield f"fairseq is {what}; run: pip install --no-deps fairseq=={SUPPORTED}"


def _requirement_remedies(requirement: str) -> Iterator[str]:
    if version_of("packaging") is None:
        yield "packaging is not installed; run: pip install packaging"
        return
    from packaging.requirements import Requirement

    wanted = Requirement(requirement)
    if wanted.marker is not None and not wanted.marker.evaluate():
        return
    version = version_of(wanted.name)
    if version is None:
        yield f'{wanted.name} is not installed; run: pip install "{wanted.name}{wanted.specifier}"'
    elif not wanted.specifier.contains(version, prereleases=True):
        yield f'{wanted.name} is of version {version}; run: pip install "{wanted.name}{wanted.specifier}"'


def _hook_remedies() -> Iterator[str]:
    """Also installs the hook where it is missing, so that the rest can be examined."""
    from mtdeep.fairseq_plugin import hook

    if hook.installed():
        return
    if os.environ.get("MTDEEP_NO_HOOK"):
        yield "the start-up hook is switched off; unset MTDEEP_NO_HOOK"
    else:
        yield (
            f"Python read no {HOOK_FILE} at its start; install mtdeep with pip or uv into this environment, or use"
            " python -m mtdeep.fairseq_plugin train ... for fairseq-train ..."
        )
    hook.install(explicitly=True)


def _import_fairseq() -> str | None:
    """Import fairseq and every module with a patch; what failed, or None."""
    import importlib
    import logging
    import warnings

    from mtdeep.fairseq_plugin.compat import watched_modules

    logging.disable(logging.INFO)  # fairseq's advice on optional packages for speech
    try:
        with warnings.catch_warnings(action="ignore"):
            for module in sorted(watched_modules()):
                importlib.import_module(module)
    except Exception as problem:  # whatever it is, it is the answer to the question that was asked
        return f"fairseq cannot be imported ({type(problem).__name__}: {problem}); in its clone run: pip install ."
    finally:
        logging.disable(logging.NOTSET)
    return None


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _versions() -> Table:
    table = _table("Versions and devices", "what", "found")
    table.add_row("python", platform.python_version())
    table.add_row("mtdeep", version_of("mtdeep") or "not installed (imported from a folder)")
    for package in SHOWN:
        table.add_row(package, version_of(package) or "missing")
    if version_of("torch") is not None:
        for device in _devices():
            table.add_row("device", device)
    return table


def _devices() -> Iterator[str]:
    import torch

    yield f"cpu, {torch.get_num_threads()} threads of {os.cpu_count()} cores"
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        bf16 = "bf16" if properties.major >= 8 else "no bf16"
        yield f"cuda:{index}, {properties.name}, {properties.total_memory / 2**30:.0f} GiB, {bf16}"


def _patches() -> Table:
    from mtdeep.fairseq_plugin.compat import PATCHES, outcome

    table = _table(f"Patches of fairseq {SUPPORTED}", "patch", "applies", "active", "mends", "upstream")
    for patch in PATCHES:
        applies = "no" if outcome.get(patch.name) == "not needed" else "yes"
        table.add_row(patch.name, applies, "yes" if patch.active() else "no", patch.mends, patch.ticket)
    return table


def _patch_remedies() -> Iterator[str]:
    from mtdeep.fairseq_plugin.compat import PATCHES, outcome

    for patch in PATCHES:
        if outcome.get(patch.name) != "not needed" and not patch.active():
            yield (
                f"the patch {patch.name} is not active; something replaced what it mends in {patch.module} after it:"
                " look for a --user-dir or another plug-in that does"
            )
    import fairseq.trainer

    if not fairseq.trainer.Trainer.__module__.startswith("mtdeep."):
        yield "fairseq's trainer is not mtdeep's; look for a --user-dir or another plug-in that replaces it"
    if not _ours("architectures"):
        yield "no architecture of mtdeep is registered; in its clone run: pip install --force-reinstall --no-deps ."


def _ours(kind: str) -> list[str]:
    """The names that mtdeep registered with fairseq as `kind`."""
    from fairseq.criterions import CRITERION_REGISTRY
    from fairseq.models import ARCH_MODEL_REGISTRY
    from fairseq.optim import OPTIMIZER_REGISTRY
    from fairseq.optim.lr_scheduler import LR_SCHEDULER_REGISTRY
    from fairseq.tasks import TASK_REGISTRY

    registry = {
        "architectures": ARCH_MODEL_REGISTRY,
        "criterions": CRITERION_REGISTRY,
        "learning-rate schedules": LR_SCHEDULER_REGISTRY,
        "optimizers": OPTIMIZER_REGISTRY,
        "tasks": TASK_REGISTRY,
    }[kind]
    return sorted(name for name, entry in registry.items() if entry.__module__.startswith("mtdeep."))


def _registered() -> Table:
    table = _table("Registered with fairseq", "what", "names")
    for kind in ("architectures", "tasks", "criterions", "optimizers", "learning-rate schedules"):
        table.add_row(kind, ", ".join(_ours(kind)) or "none")
    return table
