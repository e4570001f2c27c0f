"""What the parts of the configuration share: unknown keys are errors, languages are known ones, and named once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from mtdeep.errors import UserError
from mtdeep.languages import resolve


class Strict(BaseModel):
    """A part of the configuration; keys that it does not know are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
            raise ValueError(f"{key!r} is the same as {keys[own]!r}; name it once")
        keys[own], found[own] = key, value
    return found


LanguageCode = Annotated[str, AfterValidator(lambda code: (canonical(code), code)[1])]
