"""`mtdeep doctor`: what is installed, which patches of fairseq stand, and how to mend what is wrong."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.table import Table

PACKAGES = ("torch", "fairseq", "hydra-core", "omegaconf", "numpy", "sentencepiece", "sacrebleu")
HOOK_FILE = "mtdeep-fairseq.pth"


def doctor() -> None:
    """Print versions, devices, patches and registrations, and a remedy for all that is wrong (then exit code 1)."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 140)
    remedies = [*_package_remedies(), *_hook_remedies()]
    console.print(_versions())
    if "fairseq" not in _missing():
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


def _version_of(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _missing() -> list[str]:
    return [package for package in PACKAGES if _version_of(package) is None]


def _package_remedies() -> Iterator[str]:
    if not (3, 11) <= sys.version_info < (3, 14):
        yield f"Python {platform.python_version()} is not supported; use 3.11, 3.12 or 3.13"
    for package in _missing():
        options = "--no-deps fairseq==0.12.2" if package == "fairseq" else package
        yield f"{package} is not installed; run: pip install {options}"


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
    table.add_row("mtdeep", _version_of("mtdeep") or "not installed (imported from a folder)")
    for package in PACKAGES:
        table.add_row(package, _version_of(package) or "missing")
    if "torch" not in _missing():
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

    table = _table("Patches of fairseq 0.12.2", "patch", "applies", "active", "mends", "upstream")
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
    if not _ours("architectures"):
        yield "no architecture of mtdeep is registered; in its clone run: pip install --force-reinstall --no-deps ."


def _ours(kind: str) -> list[str]:
    """The names that mtdeep registered with fairseq as `kind`."""
    from fairseq.criterions import CRITERION_REGISTRY
    from fairseq.models import ARCH_MODEL_REGISTRY
    from fairseq.optim import OPTIMIZER_REGISTRY
    from fairseq.tasks import TASK_REGISTRY

    registry = {
        "architectures": ARCH_MODEL_REGISTRY,
        "criterions": CRITERION_REGISTRY,
        "optimizers": OPTIMIZER_REGISTRY,
        "tasks": TASK_REGISTRY,
    }[kind]
    return sorted(name for name, entry in registry.items() if entry.__module__.startswith("mtdeep."))


def _registered() -> Table:
    table = _table("Registered with fairseq", "what", "names")
    for kind in ("architectures", "tasks", "criterions", "optimizers"):
        table.add_row(kind, ", ".join(_ours(kind)) or "none")
    return table
