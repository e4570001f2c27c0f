"""What tests of every package share: the installed commands, run as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = Path(sys.executable).parent
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run_command() -> Run:
    """Run a console script of this environment, or python itself; keywords: cwd, env (added to ours), input."""

    def run(
        name: str, *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, input: str = ""
    ) -> subprocess.CompletedProcess[str]:
        program = sys.executable if name == "python" else SCRIPTS / name
        return subprocess.run(
            [str(program), *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
            input=input,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
