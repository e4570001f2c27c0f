"""The scripts that the pages name and that take minutes: they load, with all that they import."""

from __future__ import annotations

import re

import pytest
from markdown import PAGES, ROOT, code_of

NAMED = sorted(
    {name for page in PAGES for code in code_of(page) for name in re.findall(r"scripts/[\w/]+\.py", code.text)}
    | {"scripts/demo.py"}  # make demo
)
LOAD = """
import runpy, sys
from pathlib import Path
for script in sys.argv[1:]:
    sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name="loaded")
    del sys.path[0]
    print(script)
"""


@pytest.mark.slow
def test_they_load(run_command) -> None:
    """In one process: most of them import fairseq."""
    done = run_command("python", "-c", LOAD, *NAMED, cwd=ROOT)
    assert done.stdout.splitlines() == NAMED, done.stderr
