"""The start-up hook: what it costs, when it acts, and that nothing it meets is swallowed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mtdeep

ROOT = Path(__file__).parents[2]
SITE = next(path for path in sys.path if path.endswith("site-packages"))
FAKE = "import fairseq; print('imported', fairseq.__name__)"


def fake_fairseq(folder: Path, version: str) -> dict[str, str]:
    """An empty package that calls itself fairseq, and the environment in which it is found first."""
    (folder / "fairseq").mkdir()
    (folder / "fairseq" / "__init__.py").write_text("")
    (folder / "fairseq" / "version.txt").write_text(version + "\n")
    return {"PYTHONPATH": str(folder)}


def test_a_start_loads_three_small_modules(run_command) -> None:
    code = "import sys; print(*sorted(m for m in sys.modules if m not in set(sys.argv[1].split())))"
    bare = run_command("python", "-S", "-c", "import sys; print(*sys.modules)").stdout
    loaded = set(run_command("python", "-c", code, bare).stdout.split())
    assert {name for name in loaded if name.startswith("mtdeep")} == {
        "mtdeep",
        "mtdeep.fairseq_plugin",
        "mtdeep.fairseq_plugin.hook",
    }
    assert not loaded & {"typing", "importlib.util", "warnings", "re", "dataclasses", "torch", "fairseq"}


def test_one_finder_is_registered(run_command) -> None:
    code = (
        "import sys; from mtdeep.fairseq_plugin import hook; hook.install(); hook.install(explicitly=True);"
        "print(sum(type(finder).__name__ == 'Finder' for finder in sys.meta_path))"
    )
    assert run_command("python", "-c", code).stdout.strip() == "1"


def test_off_switch(run_command) -> None:
    code = "from mtdeep.fairseq_plugin import hook; print(hook.installed())"
    assert run_command("python", "-c", code).stdout.strip() == "True"
    assert run_command("python", "-c", code, env={"MTDEEP_NO_HOOK": "0"}).stdout.strip() == "True"
    assert run_command("python", "-c", code, env={"MTDEEP_NO_HOOK": "1"}).stdout.strip() == "False"


def test_without_the_hook_fairseq_is_as_published(run_command) -> None:
    done = run_command("python", "-c", "import fairseq", env={"MTDEEP_NO_HOOK": "1"})
    assert done.returncode == 1
    assert "mutable default" in done.stderr


def test_another_version_is_left_alone_with_a_warning(run_command, tmp_path) -> None:
    done = run_command("python", "-c", FAKE, env=fake_fairseq(tmp_path, "0.10.2"))
    assert done.stdout.strip() == "imported fairseq"
    assert "mtdeep supports fairseq 0.12.2" in done.stderr
    assert "holds version 0.10.2. Remedy: pip install --no-deps fairseq==0.12.2" in done.stderr


def test_an_error_inside_is_not_swallowed(run_command, tmp_path) -> None:
    done = run_command("python", "-c", FAKE, env=fake_fairseq(tmp_path, "0.12.2"))
    assert done.returncode == 1
    assert "No module named 'fairseq." in done.stderr


def test_an_error_of_a_registration_is_not_swallowed(run_command) -> None:
    code = (
        "import sys, types; stub = types.ModuleType('mtdeep.fairseq_plugin.registration');"
        "stub.register = lambda: 1 / 0; sys.modules[stub.__name__] = stub; import fairseq"
    )
    done = run_command("python", "-c", code)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


REGISTERED = "from fairseq.models import ARCH_MODEL_REGISTRY as a; print(a['deepnet_mt'].__module__)"


@pytest.mark.parametrize(
    "first",
    [
        "import mtdeep, fairseq",
        "import mtdeep.fairseq_plugin.architectures",
        pytest.param("import mtdeep.fairseq_plugin.tasks", marks=pytest.mark.slow),
        pytest.param("import mtdeep.fairseq_plugin.criterions", marks=pytest.mark.slow),
        "import mtdeep.fairseq_plugin.registration as r; r.register(); r.register()",
    ],
)
def test_registration_in_any_order_of_imports(run_command, first: str) -> None:
    done = run_command("python", "-c", f"{first}\n{REGISTERED}")
    assert done.stdout.strip() == "mtdeep.fairseq_plugin.architectures", done.stderr


def test_spawned_workers_know_us(run_command, tmp_path) -> None:
    script = tmp_path / "spawn.py"
    script.write_text(
        "import multiprocessing\n"
        f"def work(): {REGISTERED}\n"
        "if __name__ == '__main__':\n"
        "    worker = multiprocessing.get_context('spawn').Process(target=work)\n"
        "    worker.start(); worker.join(); raise SystemExit(worker.exitcode)\n"
    )
    done = run_command("python", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "mtdeep.fairseq_plugin.architectures"


def test_user_errors_end_with_one_line_and_code_two(run_command) -> None:
    code = "import fairseq; from mtdeep.errors import UserError; raise UserError('a.txt, line 3: no text; add some')"
    done = run_command("python", "-c", code)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == "error: a.txt, line 3: no text; add some"
    assert "Traceback" not in done.stderr


def test_other_errors_keep_their_traceback(run_command) -> None:
    done = run_command("python", "-c", "import fairseq; raise ValueError('mine')")
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "ValueError: mine" in done.stderr


@pytest.mark.parametrize("command", ["train", "generate", "interactive", "preprocess", "validate"])
def test_plain_commands_start(run_command, command: str) -> None:
    done = run_command(f"fairseq-{command}", "--help")
    assert done.returncode == 0, done.stderr
    assert f"usage: fairseq-{command}" in done.stdout
    assert "label_smoothed_linear_cross_entropy" in done.stdout


@pytest.mark.parametrize("flags", [[], ["--user-dir", mtdeep.__path__[0]]], ids=["plain", "user-dir"])
def test_train_knows_our_architectures_and_tasks(run_command, flags: list[str]) -> None:
    done = run_command("fairseq-train", *flags, "data", "--arch", "nonsense")
    assert done.returncode == 2
    assert "deepnet_mt_200_wide" in done.stderr
    done = run_command("fairseq-train", *flags, "data", "--arch", "deepnet_mt", "--task", "nonsense")
    assert "many_to_many_translation" in done.stderr


def test_module_form_where_no_pth_file_is_read() -> None:
    """The interpreter under the virtual environment sees its packages on PYTHONPATH and no `.pth` file of it."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), SITE])}
    base = str(Path(sys.base_prefix) / "bin" / "python3")
    bare = subprocess.run([base, "-c", "import fairseq"], env=env, capture_output=True, text=True, check=False)
    assert "mutable default" in bare.stderr
    command = [base, "-m", "mtdeep.fairseq_plugin", "train", "--help"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage: fairseq-train" in done.stdout and "label_smoothed_linear_cross_entropy" in done.stdout


@pytest.mark.parametrize(("arguments", "says"), [(["fly"], "unknown command 'fly'"), ([], "a command is missing")])
def test_module_form_names_its_commands(run_command, arguments: list[str], says: str) -> None:
    done = run_command("python", "-m", "mtdeep.fairseq_plugin", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {says}; use one of train, generate, interactive, preprocess, validate")
