"""The commands that a page prints, whole or in part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from markdown import COMMANDS, SPAN, Code, code_of
from typer.core import TyperGroup
from typer.main import get_command

from mtdeep.cli.main import app


def _verbs(command: Any) -> Iterator[str]:
    """Yield the verbs below a command, each as it is typed."""
    for name, verb in command.commands.items() if isinstance(command, TyperGroup) else ():
        yield name
        yield from (f"{name} {below}" for below in _verbs(verb))



INSTALLED = frozenset(
    script.name
    for script in entry_points(group="console_scripts")
    if script.value.startswith(("mtdeep", "fairseq_cli"))
)
PROGRAMS = INSTALLED | {".", "cat", "cd", "cp", "dask", "echo", "make", "mtdata", "pip", "python", "torchrun", "uv"}

#: The verbs of our command, with its name.
VERBS = frozenset({"mtdeep", *(f"mtdeep {path}" for path in _verbs(get_command(app)))})

ASSIGNMENTS = re.compile(r"(?:[A-Z_]+=\S* +)*")
COMMENT = re.compile(r"(?:^|\s+)#\s.*$", re.M)
OPTION = re.compile(r"(?<=\s)(--?[A-Za-z][\w-]*)")
ABRIDGED = re.compile(r"(?<!\S)\.\.\.(?!\S)")


@dataclass(frozen=True)
class Command:
    """A command as it is printed, on one line and without its comment."""

    page: str
    line: int
    text: str

    @property
    def program(self) -> str:
        """Return its first word that is no assignment to a variable."""
        return ASSIGNMENTS.sub("", self.text, count=1).partition(" ")[0]

    @property
    def only_options(self) -> bool:
        """Return whether it is options alone, which belong to a training."""
        return self.text.startswith("--")

    @property
    def abridged(self) -> bool:
        """Return whether `...` stands in it for a training's other arguments."""
        return bool(ABRIDGED.search(self.text))

    @property
    def named_only(self) -> bool:
        """Return whether it is no more than a name: of a program, its verb, or an option of these without a value."""
        name = re.sub(r" (--?[a-z-]+|\.\.\.)$", "", self.text)
        return name in VERBS or (not name.startswith("mtdeep ") and re.fullmatch(r"[\w-]+( [a-z]+)?", name) is not None)


def options(text: str) -> list[str]:
    """Return the options of a command, in their order."""
    return OPTION.findall(f" {text}")


def commands_of(page: str) -> list[Command]:
    """Return the commands of a page, in their order."""
    return [command for code in code_of(page) for command in commands_in(code)]


def commands_in(code: Code) -> Iterator[Command]:
    """Yield the commands in a block of commands, or a span that is more than a name; none of other code.

    Raises ValueError for a line of a block that begins with no program.
    """
    if code.kind == SPAN:
        command = Command(code.page, code.line, code.text)
        if command.program in PROGRAMS and not command.named_only:
            yield command
    elif code.kind == COMMANDS:
        for offset, text in _lines(code.text):
            command = Command(code.page, code.line + offset, text)
            if command.program not in PROGRAMS and not command.only_options:
                raise ValueError(
                    f"{code.page}, line {command.line}: {command.program} is no program that the tests know; add it to"
                    " PROGRAMS, or write ```text before a block that is not of commands"
                )
            yield command


def _lines(block: str) -> Iterator[tuple[int, str]]:
    """Yield the number, from 0, and the text of each line; lines that a backslash continues are one."""
    first, parts = 0, ""
    for number, line in enumerate(block.splitlines()):
        if not parts:
            first = number
        parts += line.removesuffix("\\") + " "
        if not line.endswith("\\"):
            text = " ".join(COMMENT.sub("", parts).split())
            if text:
                yield first, text
            parts = ""
