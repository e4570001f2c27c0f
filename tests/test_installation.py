"""A wheel and an editable install both bring the start-up hook, and take it away again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SITE = next(path for path in sys.path if path.endswith("site-packages"))
HOOK = "mtdeep-fairseq.pth"


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The project as a clone has it, so that nothing is built in the real one."""
    folder = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    for package in ("mtdeep", "data_prep"):
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """An environment of its own that sees our packages, but reads none of our `.pth` files."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "fresh", cwd=tmp_path)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (tmp_path / "fresh" / "lib" / version / "site-packages" / "a-packages.pth").write_text(SITE + "\n")
    return tmp_path / "fresh"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_installing_and_removing(source: Path, fresh: Path, tmp_path: Path, kind: str) -> None:
    pip = [sys.executable, "-m", "pip", "--python", fresh / "bin" / "python"]
    target: list[str | Path] = ["--editable", source]
    if kind == "wheel":
        run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path, source, cwd=tmp_path)
        target = [next(tmp_path.glob("mtdeep-*.whl"))]
    run(*pip, "install", "--no-deps", "--ignore-installed", *target, cwd=tmp_path)
    library = next((fresh / "lib").glob("python*/site-packages"))
    assert (library / HOOK).exists()

    python = fresh / "bin" / "python"
    code = "import mtdeep, fairseq; from fairseq.models import ARCH_MODEL_REGISTRY as a; print(mtdeep.__file__)"
    found = run(python, "-c", code + "; assert 'deepnet_mt' in a", cwd=tmp_path).splitlines()[-1]
    assert Path(found).parents[1] == (library if kind == "wheel" else source)
    assert "doctor" in run(fresh / "bin" / "mtdeep", "--help", cwd=tmp_path)

    run(*pip, "uninstall", "--yes", "mtdeep", cwd=tmp_path)
    assert not (library / HOOK).exists()
    run(python, "-c", "pass", cwd=tmp_path)


def test_every_package_is_in_the_build() -> None:
    """A folder with Python files and no `__init__.py` would be left out of a wheel."""
    for top in ("mtdeep", "data_prep"):
        for path in (ROOT / top).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), f"{path.parent} has no __init__.py"
