"""The script that changes the papers' constants: what it changes, and what it says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
import mutate_constants  # noqa: E402  # the folder of the script has to be known first


def test_each_number_is_changed_once_and_nothing_else() -> None:
    source = mutate_constants.path_of("depth").read_text(encoding="utf-8").splitlines()
    found = list(mutate_constants.mutants("depth"))
    assert {(0.81, 0.81 * 1.01), (4, 5), (0.25, 0.2525), (16, 17)} <= {(mutant.was, mutant.now) for mutant in found}
    for mutant in found:
        compile(mutant.source, "depth", "exec")
        changed = [i for i, line in enumerate(mutant.source.splitlines(), start=1) if line != source[i - 1]]
        assert changed == [mutant.line]


def test_what_is_said_to_decide_nothing_stands_in_the_code() -> None:
    """An entry that fits no line any more would hide a line that comes to look like it."""
    for module, text, number in mutate_constants.UNDECIDED:
        assert text in {line.strip() for line in mutate_constants.path_of(module).read_text().splitlines()}
        assert number in text


def test_an_unknown_module_is_refused(run_command) -> None:
    result = run_command("python", SCRIPTS / "mutate_constants.py", "deth")
    assert result.returncode == 1 and "no tests are known of deth" in result.stderr


@pytest.mark.slow
def test_every_change_of_a_module_breaks_a_test(run_command) -> None:
    result = run_command("python", SCRIPTS / "mutate_constants.py", "rotary")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "numbers changed, 0 without a test that breaks" in result.stdout
