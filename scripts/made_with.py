"""What a measurement was made with: the machine, and the versions of what took part."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

CPU_INFORMATION = Path("/proc/cpuinfo")


def machine() -> str:
    """Return the number of cores and the processor's name, as far as the system tells it."""
    names = []
    if CPU_INFORMATION.exists():
        names = re.findall(r"^model name\s*:\s*(\S.*?)\s*$", CPU_INFORMATION.read_text(encoding="utf-8"), re.M)
    return f"{os.cpu_count()} cores, {names[0] if names else platform.processor() or platform.machine()}"


def versions(*packages: str) -> dict[str, str]:
    """Return Python's version and those of the installed *packages*, by name."""
    return {"Python": platform.python_version(), **{package: version(package) for package in packages}}


def made_with(*packages: str) -> str:
    """Return machine and versions as half a sentence."""
    return f"{machine()}; {', '.join(f'{name} {number}' for name, number in versions(*packages).items())}"
