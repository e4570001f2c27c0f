"""What fairseq's commands say to a wrong command line: one sentence, and not the list of all that they take.

argparse prints the usage with each error, 150 lines for a training, and the names of all architectures for one that is
misspelt.
"""

from __future__ import annotations

import re
from argparse import Action, ArgumentError, ArgumentParser, Namespace
from collections.abc import Sequence
from functools import wraps
from typing import Any

from fairseq import options

from mtdeep.errors import UserError, nearest
from mtdeep.fairseq_plugin.fairseq_options.other_tasks import HERE
from mtdeep.fairseq_plugin.tasks import reads_store

SHOWN = 3  # names that are near
FLAG = re.compile(r"(--?[A-Za-z][\w-]*)(=.*)?", re.DOTALL)


class CommandParser(ArgumentParser):
    """The parser of one of fairseq's commands; where argparse ends the program, it raises UserError."""

    @classmethod
    def of(cls, parser: ArgumentParser) -> CommandParser:
        """Return a parser of all that *parser* knows so far."""
        return cls(
            prog=parser.prog,
            description=parser.description,
            allow_abbrev=parser.allow_abbrev,
            add_help=False,  # its parent has it
            parents=[parser],
        )

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> Namespace:
        """Return the options of a command line; raises UserError that names all flags that are not known."""
        parsed, rest = self.parse_known_args(args, namespace)
        flags = dict.fromkeys(match[1] for match in map(FLAG.fullmatch, rest) if match)
        if flags:
            on_store = reads_store(getattr(parsed, "task", None))
            raise UserError("; ".join(self._unknown(flag, on_store) for flag in flags) + ".")
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return parsed

    def error(self, message: str) -> Any:
        """Raise UserError."""
        raise UserError(f"{message}.")

    def _unknown(self, flag: str, on_store: bool) -> str:
        if on_store and flag in HERE:
            return f"{flag}: {HERE[flag]}"
        return f"{flag} is not an option here{nearest(flag, self._option_string_actions, SHOWN)}"

    def _check_value(self, action: Action, value: Any) -> None:
        """Raise ArgumentError for a value that is not a choice, with those that are near, or else with all."""
        if action.choices is not None and value not in action.choices:
            near = nearest(str(value), map(str, action.choices), SHOWN)
            if near:
                raise ArgumentError(action, f"{str(value)!r} does not exist{near}")
        super()._check_value(action, value)


_get_parser, _parse_args_and_arch = options.get_parser, options.parse_args_and_arch


@wraps(_get_parser)
def get_parser(desc: str, default_task: str | None = "translation") -> CommandParser:
    """Return what the parsers of fairseq's commands begin with."""
    return CommandParser.of(_get_parser(desc, default_task))


@wraps(_parse_args_and_arch)
def parse_args_and_arch(*args: Any, **kwargs: Any) -> Any:
    """Return a command line's options; raises UserError where a training names no architecture."""
    try:
        return _parse_args_and_arch(*args, **kwargs)
    except RuntimeError as error:
        if error.args:  # fairseq's own, of a model without a name, has none
            raise
        raise UserError("--arch is missing; name an architecture, such as deepnet_mt.") from None


options.get_parser, options.parse_args_and_arch = get_parser, parse_args_and_arch
