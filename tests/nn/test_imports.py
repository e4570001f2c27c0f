"""The model stands on torch and the standard library alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import mtdeep.nn

PACKAGE = Path(mtdeep.nn.__file__).parent


def test_imports_only_torch_and_the_standard_library() -> None:
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name}: relative import"
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
            for module in modules:
                allowed = module.split(".")[0] in {"torch", *sys.stdlib_module_names}
                assert allowed or module.startswith("mtdeep.nn"), f"{path.name} imports {module}"


def test_runs_where_fairseq_cannot_be_imported() -> None:
    program = """
import sys
for name in ("fairseq", "hydra", "omegaconf", "sentencepiece"):
    sys.modules[name] = None
import mtdeep.nn
mtdeep.nn.EncoderDecoder(mtdeep.nn.Config(scheme="deepnorm", source_vocabulary_size=9, target_vocabulary_size=9))
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=PACKAGE.parents[1])


def test_no_scheme_is_asked_for_in_a_forward() -> None:
    """A layer's residual is an object: no function reads `scheme` but the constructors."""
    for path in PACKAGE.glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and function.name in {"forward", "__call__"}:
                names = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
                names |= {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
                assert "scheme" not in names, f"{path.name}: {function.name}"
