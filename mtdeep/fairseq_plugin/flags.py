"""The architectures' options as flags, and what they are when nobody gives them."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping

from mtdeep.checkpoint.model_options import ModelOption
from mtdeep.nn.presets import Fields

Arguments = Mapping[str, object]
METAVARS = {int: "N", float: "X"}


def add_flags(parser: ArgumentParser, options: Iterable[ModelOption]) -> None:
    """Add a flag for each of the options."""
    for option in options:
        if option.is_switch:
            parser.add_argument(option.flag, action="store_true", help=option.help)
        elif option.choices:
            parser.add_argument(option.flag, choices=option.choices, help=option.help)
        else:
            assert option.number is not None, f"{option.name} is no switch, no word and no number"
            metavar = option.metavar or METAVARS[option.number]
            parser.add_argument(option.flag, type=option.number, metavar=metavar, help=option.help)


def unset_arguments(options: Iterable[ModelOption], preset: Fields) -> Arguments:
    """Return what options are that nobody gives, in a model of which a preset sets some fields."""
    return {option.name: _value(option, preset) for option in options}


def _value(option: ModelOption, preset: Fields) -> object:
    values = {preset.get(field) for field in option.fields}
    if option.is_switch:
        return values == {option.given}
    return option.default if None in values or len(values) > 1 else values.pop()
