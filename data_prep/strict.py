"""What the parts of the configuration share: known keys, known languages, each named once, finite numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from reprlib import Repr
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from data_prep.environment import expand
from mtdeep.errors import UserError
from mtdeep.languages import resolve

_SHOWN = Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 100


class Strict(BaseModel):
    """A part of the configuration; keys that it does not know are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PlacedError(ValueError):
    """What is wrong at a *place*, keys and numbers of items, below the part of the configuration that finds it."""

    def __init__(self, message: str, *place: str | int) -> None:
        super().__init__(message)
        self.place = place


def objection(problem: Any) -> str:
    """Return what pydantic has against a value, as the end of a sentence, with the value as far as it is short."""
    message, given = problem["msg"], problem["input"]
    wants_text = problem["type"] in ("string_type", "invalid_key")
    # YAML reads no, on, 7 and 2026-01-01 as something else.
    remedy = "; write it in quotes" if wants_text and not isinstance(given, list | dict | None) else ""
    return f"{message[0].lower()}{message[1:]}, not {_SHOWN.repr(given)}{remedy}"


_Value = TypeVar("_Value")


def canonical(code: str) -> str:
    """Return the canonical code of a language; raises ValueError, as pydantic wants it, for what is none."""
    try:
        return resolve(code)
    except UserError as error:
        raise ValueError(str(error)) from error


def by_name(given: Iterable[tuple[str, _Value]], name: Callable[[str], str] = canonical) -> dict[str, _Value]:
    """Return a mapping from the *name* of each key. Raises ValueError for two keys with one name."""
    found: dict[str, _Value] = {}
    keys: dict[str, str] = {}
    for key, value in given:
        own = name(key)
        if own in keys:
            what = "stands twice" if key == keys[own] else f"is the same as {keys[own]!r}"
            raise ValueError(f"{key!r} {what}; name it once")
        keys[own], found[own] = key, value
    return found


LanguageCode = Annotated[str, AfterValidator(lambda code: (canonical(code), code)[1])]
PathText = Annotated[str, Field(min_length=1), AfterValidator(lambda path: (expand(path), path)[1])]
