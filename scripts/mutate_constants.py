"""Change each number of the files that hold the papers' constants, one at a time, and see that a test breaks.

Usage: python scripts/mutate_constants.py [MODULE ...]

MODULE is one of the table below, all by default. Floats grow by one per cent, whole numbers by one. Each change is
tried in a process of its own, in which the module is loaded with it, by the quick tests of that module. A number whose
change breaks nothing is printed, and the exit code is 1; those that decide nothing stand in UNDECIDED, with reasons.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.abc
import importlib.util
import io
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import numpy
import pytest
import sentencepiece
import torch

ROOT = Path(__file__).parents[1]
PRELOADED = (hypothesis, numpy, sentencepiece, torch)  # once, before the forks; of ours nothing is
TESTS = {
    "depth": ("test_depth",),
    "branch_warm_up": ("test_branch_warm_up",),
    "depth_rates": ("test_depth_rates", "test_factored_steps"),
    "residual": ("test_residual", "test_vanilla", "test_equations"),
    "scheme": (
        *("test_initialise", "test_residual", "test_subln", "test_equations", "test_vanilla", "test_transformer"),
        "test_depth_rates",
    ),
    "skipless": ("test_vanilla", "test_initialise", "test_transformer"),
    "matrices": ("test_matrices", "test_initialise"),
    "initialise": ("test_initialise",),
    "activations": ("test_vanilla", "test_signal_kernels"),
    "signal_kernels": ("test_signal_kernels",),
    "rotary": ("test_rotary",),
    "positions": ("test_positions",),
}
ROUNDING = "return c + bend * (math.sqrt(max(0.0, 1 - c * c)) - c * math.acos(min(1.0, c)))"
UNDECIDED = {
    ("depth", "while high - low > 1e-12:", "1e-12"): "how near bisection comes to the root",
    ("depth", "low, high = 0.0, 1.0", "0.0"): "any bracket of the root will do",
    ("depth", "low, high = 0.0, 1.0", "1.0"): "any bracket of the root will do",
    ("depth", "middle = (low + high) / 2", "2"): "another division of the bracket leads to the root later, or never",
    ("depth", ROUNDING, "0.0"): "against rounding",
    ("depth", ROUNDING, "1.0"): "against rounding",
}
"""(module, line, number as it is written) -> why nothing depends on it."""
LONGEST = 120
"""Seconds after which a change is taken to have broken the tests: some never end."""


@dataclass(frozen=True)
class Mutant:
    """One number changed: where, and the module's source with it."""

    module: str
    line: int
    text: str
    was: float
    now: float
    source: str

    def __str__(self) -> str:
        return f"mtdeep/nn/{self.module}.py:{self.line}: {self.was!r} -> {self.now!r} in `{self.text}`"


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module from a source of ours."""

    def __init__(self, name: str, source: str) -> None:
        self._name, self._source = name, source

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """Find that module alone."""
        return importlib.util.spec_from_loader(name, self) if name == self._name else None

    def exec_module(self, module: object) -> None:
        """Run the source."""
        exec(compile(self._source, self._name, "exec"), vars(module))


def main(modules: list[str]) -> int:
    """Try every mutant; return the exit code."""
    tried = 0
    survivors = []
    for module in modules:
        if not passes(module, path_of(module).read_text(encoding="utf-8")):
            sys.exit(f"the tests of {module} fail without any change; mend that first")
        for mutant in mutants(module):
            tried += 1
            if passes(module, mutant.source):
                survivors.append(mutant)
                print(f"no test breaks: {mutant}", flush=True)
    print(f"{tried} numbers changed, {len(survivors)} without a test that breaks")
    return 1 if survivors else 0


def mutants(module: str) -> Iterator[Mutant]:
    """Yield a mutant for each number in the module's code, docstrings apart."""
    source = path_of(module).read_text(encoding="utf-8")
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Constant) or type(node.value) not in (int, float):
            continue
        text = lines[node.lineno - 1].strip()
        if (module, text, repr(node.value)) in UNDECIDED:
            continue
        now = node.value + 1 if isinstance(node.value, int) else node.value * 1.01 or 0.01
        line = lines[node.lineno - 1]
        changed = line[: node.col_offset] + f"{now!r}" + line[node.end_col_offset :]
        whole = [*lines[: node.lineno - 1], changed, *lines[node.lineno :]]
        yield Mutant(module, node.lineno, text, node.value, now, "\n".join(whole) + "\n")


def path_of(module: str) -> Path:
    """Return the module's file."""
    return ROOT / "mtdeep" / "nn" / f"{module}.py"


def passes(module: str, source: str) -> bool:
    """Return whether the module's tests pass with this source of it, tried in a forked process."""
    process = os.fork()
    if not process:
        signal.alarm(LONGEST)
        sys.meta_path.insert(0, Loader(f"mtdeep.nn.{module}", source))
        files = [str(ROOT / "tests" / "nn" / f"{name}.py") for name in TESTS[module]]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = pytest.main([*files, "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider"])
        os._exit(int(code))
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status) == pytest.ExitCode.OK


if __name__ == "__main__":
    unknown = [name for name in sys.argv[1:] if name not in TESTS]
    if unknown:
        sys.exit(f"no tests are known of {', '.join(unknown)}; known are {', '.join(TESTS)}")
    torch.set_num_threads(1)
    sys.exit(main(sys.argv[1:] or list(TESTS)))
