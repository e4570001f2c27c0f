"""`mtdeep doctor` and the entry point, run as a user runs them."""

from __future__ import annotations

from importlib import metadata

import pytest
import typer

from mtdeep.cli import doctor
from mtdeep.fairseq_plugin import compat


@pytest.fixture(scope="module")
def report(run_command):
    return run_command("mtdeep", "doctor")


def test_all_is_well_here(report) -> None:
    assert report.returncode == 0, report.stdout + report.stderr
    assert report.stderr == ""
    assert "Everything is in place." in report.stdout


def test_names_versions_patches_and_registrations(report) -> None:
    wanted = ["torch", metadata.version("torch"), "fairseq", "0.12.2", "omegaconf", "threads"]
    wanted += ["deepnet_mt", "deepnet_mt_200_wide", "many_to_many_translation", "label_smoothed_linear_cross_entropy"]
    wanted += ["torch_adam", "piecewise"]
    flat = "".join(report.stdout.split())
    for name in [*wanted, *(patch.name for patch in compat.PATCHES)]:
        assert name.replace(" ", "") in flat, name


def test_a_hook_that_is_switched_off_has_a_remedy(run_command) -> None:
    done = run_command("mtdeep", "doctor", env={"MTDEEP_NO_HOOK": "1"})
    assert done.returncode == 1
    assert "wrong: the start-up hook is switched off; unset MTDEEP_NO_HOOK" in done.stdout


@pytest.mark.parametrize(
    ("package", "found", "remedy"),
    [
        ("fairseq", None, "fairseq is not installed; run: pip install --no-deps fairseq==0.12.2"),
        ("fairseq", "0.12.3", "fairseq is of version 0.12.3, for which mtdeep stays switched off; run: pip install"),
        ("xxhash", None, 'xxhash is not installed; run: pip install "xxhash>=3.4"'),
        ("torch", "2.10.1", 'torch is of version 2.10.1; run: pip install "torch>=2.11"'),
    ],
)
def test_missing_and_wrong_packages_have_a_remedy(monkeypatch, capsys, package, found, remedy) -> None:
    original = doctor.version_of
    monkeypatch.setattr(doctor, "version_of", lambda name: found if name == package else original(name))
    with pytest.raises(typer.Exit) as exit_:
        doctor.doctor()
    assert exit_.value.exit_code == 1
    assert f"wrong: {remedy}" in capsys.readouterr().out


@pytest.mark.parametrize("version", ["2.11.0+cpu", "2.13.0a0+git", "2.11.0.dev20260101"])
def test_builds_of_a_version_that_will_do(monkeypatch, version: str) -> None:
    original = doctor.version_of
    monkeypatch.setattr(doctor, "version_of", lambda name: version if name == "torch" else original(name))
    remedies = list(doctor._package_remedies())
    assert bool(remedies) == (version == "2.11.0.dev20260101"), remedies  # it came before 2.11.0


def test_help_names_the_verbs_and_loads_nothing_heavy(run_command) -> None:
    done = run_command("mtdeep", "--help")
    assert done.returncode == 0
    for verb in ("prepare", "plan", "evaluate", "store", "doctor"):
        assert verb in done.stdout
    heavy = {"torch", "numpy", "fairseq", "pydantic", "babel", "matplotlib"}
    code = f"import sys, mtdeep.cli.main; print(sorted({heavy} & set(sys.modules)))"
    assert run_command("python", "-c", code).stdout.strip() == "[]"


def test_user_errors_are_one_sentence_and_exit_code_two(run_command) -> None:
    done = run_command("mtdeep", "prepare", "no-such-file.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and "no-such-file.yaml" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
