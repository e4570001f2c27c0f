"""The house rule: an import points to the same floor or to a lower one, and only floor 3 imports fairseq."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The longest prefix that fits a module decides its floor.
FLOORS = {
    "mtdeep": 1,
    "mtdeep.nn": 1,
    "mtdeep.corpus": 1,
    "mtdeep.checkpoint": 1,
    "mtdeep.languages": 1,
    "mtdeep.yaml_lines": 1,
    "mtdeep.errors": 1,
    "mtdeep.decoding": 2,
    "mtdeep.evaluation": 2,
    "mtdeep.export": 2,
    "mtdeep.planning": 2,
    "mtdeep.probe": 2,
    "data_prep": 2,
    "mtdeep.fairseq_plugin": 3,
    "mtdeep.cli": 4,
    "mtdeep.__main__": 4,
}
FAIRSEQ = {"fairseq", "fairseq_cli"}
# Reports on fairseq itself, so it looks at fairseq's registries.
FAIRSEQ_ALLOWED = {"mtdeep.cli.doctor"}
FILES = sorted(path for top in ("mtdeep", "data_prep") for path in (ROOT / top).rglob("*.py"))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def floor_of(module: str) -> int | None:
    """The floor of one of our modules; None for everybody else's."""
    fitting = [prefix for prefix in FLOORS if module == prefix or module.startswith(prefix + ".")]
    return FLOORS[max(fitting, key=len)] if fitting else None


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Every imported module with its line, those inside functions and under TYPE_CHECKING included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module_name(path).split(".")
            package = package if path.name == "__init__.py" else package[:-1]
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            source = ".".join(filter(None, (base, node.module)))
            yield node.lineno, source
            # `from package import module` reaches the module's floor, not only the package's.
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names if source == "mtdeep")


@pytest.mark.parametrize("path", FILES, ids=lambda path: module_name(path))
def test_no_import_goes_up_a_floor(path: Path) -> None:
    own = floor_of(module_name(path))
    assert own is not None
    for line, imported in imports_of(path):
        theirs = floor_of(imported)
        assert theirs is None or theirs <= own, f"{path}:{line}: floor {own} imports {imported} of floor {theirs}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: module_name(path))
def test_only_the_plugin_imports_fairseq(path: Path) -> None:
    module = module_name(path)
    if module.startswith("mtdeep.fairseq_plugin") or module in FAIRSEQ_ALLOWED:
        return
    for line, imported in imports_of(path):
        assert imported.split(".")[0] not in FAIRSEQ, f"{path}:{line}: {module} imports {imported}"


def test_floor_one_models_import_torch_alone() -> None:
    """mtdeep/nn: torch and the standard library; mtdeep/corpus: no torch at all."""
    import sys

    allowed = set(sys.stdlib_module_names) | {"mtdeep", "typing_extensions"}
    for package, extra in (("nn", {"torch"}), ("corpus", {"numpy", "sentencepiece", "xxhash"})):
        for path in (ROOT / "mtdeep" / package).rglob("*.py"):
            for line, imported in imports_of(path):
                assert imported.split(".")[0] in allowed | extra, f"{path}:{line}: imports {imported}"


BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("fairseq", "fairseq_cli", "hydra", "omegaconf"):
            raise ModuleNotFoundError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
import importlib
import pkgutil
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
try:
    import fairseq
except ModuleNotFoundError:
    print("blocked and imported")
"""


def test_lower_floors_work_without_fairseq(run_command) -> None:  # type: ignore[no-untyped-def]
    mtdeep = ("nn", "corpus", "checkpoint", "decoding", "evaluation", "planning", "probe")
    lower = (*(f"mtdeep.{package}" for package in mtdeep), "data_prep")
    done = run_command("python", "-c", BLOCKER, *lower)
    assert done.stdout.strip() == "blocked and imported", done.stderr
