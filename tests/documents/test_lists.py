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
LISTED = {**UPDATES, **SIZES}


@pytest.mark.parametrize("page", PAGES)
def test_no_option_comes_or_goes(page: str) -> None:
    for command in commands_of(page):
        if command.text not in NOT_RUN and not command.abridged and not command.only_options:
            assert options(step_of(command).command) == options(command.text)


def test_an_abridged_command_is_the_readmes_training_with_what_it_says() -> None:
    for command in PRINTED:
        if command.text not in NOT_RUN and (command.abridged or command.only_options):
            before, after = ("", command.text) if command.only_options else command.text.split(" ...", 1)
            assert options(step_of(command).command) == options(before) + options(training()) + options(after)


def other_words(before: str, after: str) -> list[tuple[str, str]]:
    """Return the words that differ without leave: not the value of a listed option, nor a listed place."""
    found = []
    for previous, was, now in zip(["", *before.split()], before.split(), after.split(), strict=False):
        option, equals, _ = was.partition("=")
        value_alone = option in LISTED and equals and now.partition("=")[:2] == (option, equals)
        place = was.partition("/")
        listed_place = place[0] in PLACES and now == "".join((PLACES[place[0]], *place[1:]))
        if was != now and previous not in LISTED and not value_alone and not listed_place:
            found.append((was, now))
    return found


def test_only_listed_values_differ() -> None:
    for command in PRINTED:
        after = shortened(command.text)
        assert len(command.text.split()) == len(after.split())
        assert other_words(command.text, after) == []


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("x --max-update 9 --width=9 ROWS/a", "x --max-update 4 --width=4 400/a", []),
        ("x --width=9", "x --depths=9", [("--width=9", "--depths=9")]),
        ("x --lr=9 A=1", "x --lr=4 A=2", [("--lr=9", "--lr=4"), ("A=1", "A=2")]),
        ("x ROWS/a", "x 400/b", [("ROWS/a", "400/b")]),
    ],
)
def test_other_words_are_seen(before: str, after: str, words: list[tuple[str, str]]) -> None:
    assert other_words(before, after) == words


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
