"""What is replaced and what is not run: the lists are as the pages are, and nothing slips through."""

from __future__ import annotations

import re

import pytest
from commands import Command, commands_in, commands_of, options
from markdown import COMMANDS, PAGES, ROOT, SPAN, Code, code_of
from not_run import NOT_RUN
from replaced import PLACES, SIZES, UPDATES, shortened
from running import step_of, training

PRINTED = [command for page in PAGES for command in commands_of(page)]
#: What a block may be: of commands, or what tests read (yaml, python: see BLOCKS), or text.
KINDS = {COMMANDS, "yaml", "python", "text"}


@pytest.mark.parametrize("page", PAGES)
def test_no_option_comes_or_goes(page: str) -> None:
    for command in commands_of(page):
        if command.text not in NOT_RUN and not command.abridged and not command.only_options:
            assert options(step_of(command).command) == options(command.text)


def test_an_abridged_command_is_the_readmes_training_with_what_it_says() -> None:
    for command in PRINTED:
        if command.text not in NOT_RUN and (command.abridged or command.only_options):
            assert options(step_of(command).command) in (
                options(training()) + options(command.text),
                options(command.text) + options(training()),
            )


def test_only_listed_values_differ() -> None:
    """Word by word: a value behind a listed option, or a listed place."""
    for command in PRINTED:
        before, after = command.text.split(), shortened(command.text).split()
        assert len(before) == len(after)
        for previous, was, now in zip(["", *before], before, after, strict=False):
            if was != now:
                assert previous in {**UPDATES, **SIZES} or was.partition("/")[0] in PLACES or "=" in was


def test_what_is_not_run_is_printed_and_tested_elsewhere() -> None:
    printed = {command.text for command in PRINTED}
    assert not NOT_RUN.keys() - printed
    for reason in NOT_RUN.values():
        for place in reason.instead:
            path, _, test = place.partition("::")
            assert (ROOT / path).exists(), place
            assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8") if test else True, place


def test_what_is_replaced_is_printed() -> None:
    printed = " ".join(command.text for command in PRINTED)
    for name in (*UPDATES, *SIZES):
        assert re.search(rf"(?<!\S){name}[ =]", printed), name
    for place in PLACES:
        assert re.search(rf"(?<!\S){place}(?![\w.])", printed), place


def test_every_block_says_what_it_is() -> None:
    for page in PAGES:
        for code in code_of(page):
            assert code.kind in {*KINDS, SPAN}, f"{page}, line {code.line}: a block of {code.kind}"


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (COMMANDS, "mtdeep plan --arch a \\\n    --json   # so\n\nmake\n", ["mtdeep plan --arch a --json", "make"]),
        (COMMANDS, "A=1 mtdeep doctor 2>&1 | grep '#1'\n", ["A=1 mtdeep doctor 2>&1 | grep '#1'"]),
        (COMMANDS, "--lr 1   # alone\n", ["--lr 1"]),
        (SPAN, "mtdeep store info", []),
        (SPAN, "mtdeep store info store", ["mtdeep store info store"]),
        (SPAN, "mtdeep leak-check store", ["mtdeep leak-check store"]),
        (SPAN, "fairseq-preprocess --only-source", []),
        (SPAN, "fairseq-train ...", []),
        (SPAN, "no program", []),
        ("text", "mtdeep doctor\n", []),
    ],
)
def test_commands_are_found(kind: str, text: str, found: list[str]) -> None:
    assert [command.text for command in commands_in(Code("page", 1, kind, text))] == found


def test_a_block_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="page, line 8: de-en is no program"):
        list(commands_in(Code("page", 7, COMMANDS, "mtdeep doctor\nde-en 2.0\n")))


def test_a_place_within_another_word_stays() -> None:
    assert shortened("x ROWS ROWS/a MY_ROWS ROWSE") == "x 400 400/a MY_ROWS ROWSE"
    assert shortened("x --max-update 100000 --lr 5e-4") == "x --max-update 4 --lr 5e-4"
    assert Command("page", 1, "A=1 B=2 mtdeep doctor").program == "mtdeep"
