"""What a field of `Config` may be, and the models in which it matters: the metadata of its annotation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin


class Rule(NamedTuple):
    """A demand on a field's value.

    allows: whether a value, which may be of any type, meets it. otherwise: what is wrong with a value that does not.
    """

    allows: Callable[[Any], bool]
    otherwise: str


class OnlyFor(NamedTuple):
    """Marks a field that changes nothing but under one scheme, and under one shaping of self-attention if given."""

    scheme: str
    shaping: str | None = None

    def covers(self, scheme: str, shaping: str) -> bool:
        """Whether the field matters in a model of this scheme and shaping."""
        return scheme == self.scheme and self.shaping in (None, shaping)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


COUNT = Rule(lambda value: _is_whole(value) and value > 0, "is not a whole number above zero")
LAYERS = Rule(lambda value: _is_whole(value) and value >= 0, "is not a number of layers")
TOKEN = Rule(lambda value: isinstance(value, int) and value >= 0, "is not a token")
FRACTION = Rule(lambda value: _is_number(value) and 0 <= value < 1, "is not a number from 0 up to, but without, 1")
FACTOR = Rule(lambda value: _is_number(value) and 0 < value < math.inf, "is not a number above zero")
UPDATES = Rule(lambda value: value is None or COUNT.allows(value), "is not a whole number of updates, at least 1")
SWITCH = Rule(lambda value: isinstance(value, bool), "is neither True nor False")


def one_of(choices: tuple[str, ...]) -> Rule:
    """Return the rule that a value is one of a few words."""
    return Rule(lambda value: value in choices, f"is none of {', '.join(choices)}")


def rules_of(annotation: Any) -> tuple[Rule, ...]:
    """Return what an annotation demands, in the order in which it is to be looked at."""
    own = tuple(item for item in _metadata(annotation) if isinstance(item, Rule))
    if _plain(annotation) is bool:
        return (SWITCH, *own)
    return (one_of(choices), *own) if (choices := choices_of(annotation)) else own


def choices_of(annotation: Any) -> tuple[str, ...]:
    """Return the words that an annotation allows; none unless it is a Literal."""
    return get_args(_plain(annotation)) if get_origin(_plain(annotation)) is Literal else ()


def number_of(annotation: Any) -> type[int] | type[float] | None:
    """Return whether an annotation is of whole numbers or of all; None: of none, though None may be beside them."""
    kinds = get_args(_plain(annotation)) or (_plain(annotation),)
    return next((kind for kind in (int, float) if kind in kinds), None)


def only_for(annotation: Any) -> OnlyFor | None:
    """Return in which models alone a field of this annotation matters; None: in all."""
    return next((item for item in _metadata(annotation) if isinstance(item, OnlyFor)), None)


def _metadata(annotation: Any) -> tuple[Any, ...]:
    return annotation.__metadata__ if get_origin(annotation) is Annotated else ()


def _plain(annotation: Any) -> Any:
    return annotation.__origin__ if get_origin(annotation) is Annotated else annotation
