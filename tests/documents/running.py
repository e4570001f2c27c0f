"""A page's commands, run in their order and in a folder that has the files that they name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from commands import ABRIDGED, Command, commands_in, commands_of
from markdown import code_of
from not_run import NOT_RUN
from replaced import shortened

SCRIPTS = Path(sys.executable).parent
PYTHON = "python"
#: Exit codes that mean success, where it is not 0 alone: `leak-check` ends with 1 when it has looked and found.
SUCCESS = {"mtdeep leak-check": (0, 1)}
#: Blocks of Python, by page, that take for granted what stands here.
BEFORE = {
    "docs/architectures.md": "from mtdeep import nn\n"
    "config = nn.Config(scheme='preln', source_vocabulary_size=9, target_vocabulary_size=9, embed_dim=16)\n"
    "model = nn.build_model(config)\n",
    "docs/corpus-store.md": "import os\nimport numpy as np\n"
    "from mtdeep.corpus import Block, StoreAppender, StoreWriter, Vocabulary\n"
    "blocks = [Block(np.array([4, 4]), np.array([1, 1]))]\n"
    "os.mkdir('growing')\nos.chdir('growing')\n"
    "with StoreWriter('store', Vocabulary(('a',), ('en', 'de')), b'') as writer:\n"
    "    writer.add_corpus('bible', 'train', {'en': blocks, 'de': blocks}, provenance={})\n"
    "    writer.finish({})\n",
}
TRAINING = re.compile(r"\bfairseq-(?:hydra-)?train\b")
NOISE = re.compile(r"\w*Warning\b|[Pp]lease install|deprecated", re.M)


@dataclass(frozen=True)
class Step:
    """What is run: where it is printed, as it is printed, and the command line."""

    page: str
    line: int
    printed: str
    command: str
    standard_input: str = ""
    block: int = 0
    """Line of the block or span that it stands in; `cd` holds to the end of it."""
    afresh: bool = False
    """Whether it is a training that names no folder of its own, and is not to go on from what lies there."""

    def run(self, folder: Path, variables: dict[str, str]) -> str | None:
        """Run it; return what went wrong, or None."""
        environment = {**os.environ, **variables, "OMP_NUM_THREADS": "1"}
        environment["PATH"] = f"{SCRIPTS}{os.pathsep}{environment['PATH']}"
        if self.afresh:
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", self.command],
            cwd=folder,
            env=environment,
            input=self.standard_input,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        expected = next((codes for name, codes in SUCCESS.items() if self.printed.startswith(name)), (0,))
        noise = NOISE.search(done.stdout + done.stderr) if "fairseq" in self.printed else None
        if done.returncode in expected and not noise:
            return None
        what = f"noise: {noise[0]}" if noise else f"exit code {done.returncode}"
        output = f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
        return f"{self.page}, line {self.line}: {self.printed}\nrun as: {self.command}\n{what}\n{output}"


def steps_of(page: str) -> Iterator[Step]:
    """Yield what a page has to run, in its order."""
    for code in code_of(page):
        if code.kind == PYTHON:
            yield Step(page, code.line, code.text, "python -", BEFORE.get(page, "") + code.text, block=code.line)
        for command in commands_in(code):
            if command.text not in NOT_RUN:
                yield replace(step_of(command), block=code.line)


def step_of(command: Command) -> Step:
    """Return the step of a command; one that is abridged, or options alone, is README's training with what it says."""
    text = command.text if not command.only_options else f"fairseq-train ... {command.text}"
    afresh = TRAINING.search(text) is not None and "--save-dir" not in text
    text = ABRIDGED.sub(lambda _: training(), text, count=1)
    return Step(command.page, command.line, command.text, shortened(text), afresh=afresh)


def training() -> str:
    """Return the arguments of README's training."""
    (found,) = (c.text for c in commands_of("README.md") if c.text.startswith("fairseq-train store"))
    return found.partition(" ")[2]


def run_page(page: str, folder: Path, variables: dict[str, str]) -> list[str]:
    """Run what a page prints, a failure does not stop it; return what went wrong."""
    problems = []
    block, here = 0, folder
    for step in steps_of(page):
        if step.block != block:
            block, here = step.block, folder
        if step.command.startswith("cd "):
            here = here / step.command.removeprefix("cd ")
            continue
        problem = step.run(here, variables)
        if problem is not None:
            problems.append(problem)
    return problems
