"""The scripts that the pages name and that take minutes: they load, with all that they import; README quotes one."""

from __future__ import annotations

import itertools
import re
import runpy

import pytest
from markdown import PAGES, ROOT, SPAN, code_of

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


def test_readmes_sizes_for_a_small_machine_are_the_demos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    demo = runpy.run_path(str(ROOT / "scripts/demo.py"), run_name="loaded")["TRAINING"]
    printed = [code.text.split() for code in code_of("README.md") if code.kind == SPAN and code.text.startswith("--")]
    pairs = {pair for words in printed for pair in itertools.pairwise(words) if pair[0].startswith("--")}
    assert {"--lr", "--warmup-updates", "--encoder-embed-dim", "--max-tokens"} <= {option for option, _ in pairs}
    assert pairs - {("--cpu", "--distributed-world-size")} <= set(itertools.pairwise(demo))


@pytest.mark.slow
def test_they_load(run_command) -> None:
    """In one process: most of them import fairseq."""
    done = run_command("python", "-c", LOAD, *NAMED, cwd=ROOT)
    assert done.stdout.splitlines() == NAMED, done.stderr
