"""Run the commands of a recipe one after the other, each shown as a person would type it."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

COMMANDS = Path(sys.executable).parent


def step(title: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Run *command* (an installed console script and its arguments) and return the seconds it took.

    A command that fails ends the recipe with its exit code; what the steps before it made stays and is used again.
    """
    print(f"\n=== {title}\n$ {shlex.join(command)}", flush=True)
    started = time.monotonic()
    code = subprocess.call([str(COMMANDS / command[0]), *command[1:]], env=environment)
    if code:
        sys.exit(code)
    return time.monotonic() - started
