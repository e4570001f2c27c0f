"""The commands that are printed and that no test here runs: why not, and which tests there are of what they do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """Why a command is not run here, and where what it does is tested: files or tests, from the project's root."""

    why: str
    instead: tuple[str, ...]


INSTALLS = Reason("it installs packages", ("tests/test_installation.py::test_installing_and_removing", ".ci/run"))
BY_HAND = Reason("what was done by hand on that day", ("tests/test_installation.py", ".ci/run"))
MINUTES = Reason("a benchmark of minutes, beside a peer", ("tests/documents/test_scripts.py",))

NOT_RUN: dict[str, Reason] = {
    ". .venv/bin/activate": Reason("the environment is active here", (".ci/run",)),
    "fairseq-train --arch deepnet_mt": Reason("it names an option", ("tests/fairseq_plugin/test_architectures.py",)),
    "make demo": Reason("ten minutes of training", ("tests/documents/test_scripts.py",)),
    "make test": Reason("it is this run", (".ci/run",)),
    "make setup": Reason("this run began with it", (".ci/run",)),
    "make setup PYTHON=python3.12": BY_HAND,
    "make setup PYTHON=...": BY_HAND,
    "pip install . && pip install --no-deps fairseq==0.12.2": INSTALLS,
    "uv pip install . && uv pip install --no-deps fairseq==0.12.2": INSTALLS,
    'pip install ".[mtdata]"': INSTALLS,
    'pip install "mtdeep[mtdata]"': INSTALLS,
    "pip install mtdeep[lingua]": INSTALLS,
    "pip install 'mtdeep[cluster]'": INSTALLS,
    'uv pip install -e ".[dev]"': BY_HAND,
    'pip install ".[dev]"': BY_HAND,
    "uv pip install --no-deps fairseq==0.12.2": BY_HAND,
    "pip install --no-deps fairseq==0.12.2": BY_HAND,
    'pip install --dry-run --constraint constraints.txt ".[dev]"': BY_HAND,
    "mtdata list -l deu-eng --id | grep -i books": Reason(
        "mtdata makes its index first, 15 s and 145 MB in the home folder",
        ("tests/data_prep/public/test_index.py::test_the_whole_index_as_it_is_installed",),
    ),
    "python -m pytest tests/planning/test_against_profiler.py -rP": Reason(
        "it is a part of this run", ("tests/planning/test_against_profiler.py",)
    ),
    "python scripts/bench/cleaning_rules.py --quick": MINUTES,
    "python scripts/bench/cpu_kernels.py": MINUTES,
    "python scripts/bench/open_store.py": MINUTES,
    "python scripts/language_rule.py ntrex128 bible": Reason(
        "its texts are not here", ("tests/documents/test_scripts.py",)
    ),
    "python scripts/normalisation.py ntrex128/*.gz bible/*.gz": Reason(
        "its texts are not here", ("tests/documents/test_scripts.py",)
    ),
    "python scripts/mutate_constants.py": Reason(
        "it runs tests for every number of the papers", ("tests/scripts/test_mutate_constants.py",)
    ),
    "python scripts/reproduce/probe_thresholds.py": Reason(
        "41 minutes", ("tests/scripts/test_reproductions.py::test_quick_probe_thresholds",)
    ),
}
