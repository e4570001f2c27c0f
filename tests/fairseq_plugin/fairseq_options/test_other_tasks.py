"""Options that fairseq's translation tasks have and ours does not are refused, each by what stands in its place."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from pathlib import Path

import pytest
from fairseq import options

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.fairseq_options.other_tasks import (
    COUNTERPARTS,
    HERE,
    MULTILINGUAL,
    SAMPLING_METHODS,
    TASKS,
)

PAGE = (Path(__file__).parents[3] / "docs/from-fairseq.md").read_text(encoding="utf-8")
OURS = "many_to_many_translation"
PARSERS = {
    "fairseq-train": options.get_training_parser,
    "fairseq-validate": options.get_validation_parser,
    "fairseq-generate": options.get_generation_parser,
    "fairseq-interactive": options.get_interactive_generation_parser,
}
ON_STORE = ("store", "--task", OURS, "--cpu")
ARGUMENTS = {
    command: (*ON_STORE, *(("--arch", "deepnet_mt") if command == "fairseq-train" else ("--path", "x.pt")))
    for command in PARSERS
}


def flags(task: str, arch: str) -> set[str]:
    """Return all flags of a training with a task and an architecture."""
    names: set[str] = set()

    def note(parser: ArgumentParser) -> None:
        names.update(flag for action in parser._actions for flag in action.option_strings)

    options.parse_args_and_arch(
        options.get_training_parser(), ["data", "--task", task, "--arch", arch], modify_parser=note
    )
    return names


def test_none_of_fairseqs_tasks_is_forgotten_and_nothing_else_is_refused() -> None:
    theirs = (flags(task, "multilingual_transformer" if task == MULTILINGUAL else "transformer") for task in TASKS)
    assert set().union(*theirs) - flags(OURS, "transformer") == HERE.keys()


def test_an_option_stands_in_the_table_once() -> None:
    assert sum(len(counterpart.flags.split()) for counterpart in COUNTERPARTS) == len(HERE)


def test_what_stands_in_their_place_is_ours() -> None:
    ours = flags(OURS, "deepnet_mt")
    named = {flag for here in (*HERE.values(), *SAMPLING_METHODS.values()) for flag in re.findall(r"--[a-z-]+", here)}
    assert named <= ours


@pytest.mark.parametrize("command", PARSERS)
def test_all_of_a_command_line_are_named_at_once(command: str) -> None:
    with pytest.raises(UserError) as problem:
        options.parse_args_and_arch(PARSERS[command](), [*ARGUMENTS[command], *(f"{flag}=x" for flag in HERE)])
    assert str(problem.value) == "; ".join(f"{flag}: {here}" for flag, here in HERE.items()) + "."


def test_fairseqs_tasks_have_them_as_before() -> None:
    arguments = ["data", "--task", "translation_multi_simple_epoch", "--langs", "en,de", "--encoder-langtok", "src"]
    args = options.parse_args_and_arch(options.get_generation_parser(), arguments)
    assert (args.langs, args.encoder_langtok) == (["en", "de"], "src")


def text_of(cell: str) -> str:
    """Return a cell of a table without the marks of code, and without what a link in parentheses adds."""
    return re.sub(r" \(\[[^]]*\]\([^)]*\)\)", "", cell).replace("`", "").strip()


def test_the_page_has_the_same_words() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| `--")]
    refused = {flag: text_of(here) for names, here in rows for flag in re.findall(r"--[a-z-]+", names) if flag in HERE}
    assert refused == HERE
    methods = {
        name: re.split("[;,]", text_of(here))[0]
        for names, here in rows
        for name in SAMPLING_METHODS
        if names.startswith("`--sampling-method") and f"{name}`" in names
    }
    assert methods == {name: f"here it is {option}" for name, option in SAMPLING_METHODS.items()}


@pytest.mark.slow
@pytest.mark.parametrize("command", PARSERS)
def test_a_command_ends_in_one_sentence(command: str, run_command) -> None:
    done = run_command(command, *ARGUMENTS[command], "--langs", "en,de", "--decoder-langtok")
    assert done.returncode == 2
    assert done.stderr == f"error: --langs: {HERE['--langs']}; --decoder-langtok: {HERE['--decoder-langtok']}.\n"
    assert done.stdout == ""
