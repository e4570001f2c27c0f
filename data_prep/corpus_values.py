"""What the keys of a corpus may hold."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WrapValidator

from data_prep.pairs import ALL, distinct, parse_pair
from data_prep.strict import LanguageCode, PathText, by_name

_SPLIT = re.compile(r"[A-Za-z0-9_]+")


def _is_split(name: str) -> str:
    if not _SPLIT.fullmatch(name):
        raise ValueError(f"split {name!r} must consist of letters, digits and underscores")
    return name


def _is_read(given: Any) -> Any:
    every = as_list(given)
    if not every or not all(isinstance(one, str | dict) for one in every):
        raise ValueError(f"give a path, the options of the reader, or a list of these, not {given!r}")
    for key in (key for one in every if isinstance(one, dict) for key in one):
        if not isinstance(key, str):  # no: what YAML makes of Norwegian
            raise ValueError(f"key {key!r} is no text; write it in quotes")
    return given


def _is_name(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise ValueError(f"{name!r} must be printable, on one line, without blanks around it; choose another")
    return name


def _is_held_out(given: Any) -> Any:
    match given:
        case str():
            return given
        case int() if given >= 1 and given is not True:
            return given
        case float() if 0 < given < 1:
            return given
    raise ValueError(f"give a number of rows, a share of them between 0 and 1, or a file of their ids, not {given!r}")


def _are_distinct(languages: list[str]) -> list[str]:
    by_name((code, None) for code in languages)
    return languages


def _are_pairs(given: Any) -> Any:
    if given == ALL or given is None:
        return given
    if not isinstance(given, list) or not given:
        raise ValueError(f"give {ALL}, those that there are files of, or a list as [de-en, fr-en] is, not {given!r}")
    distinct((parse_pair(one), one) for one in given)
    return given


Name = Annotated[str, Field(min_length=1), AfterValidator(_is_name)]
SplitName = Annotated[str, AfterValidator(_is_split)]
Languages = Annotated[list[LanguageCode], Field(min_length=1), AfterValidator(_are_distinct)]
AllOrLanguages = Annotated[
    Languages,
    WrapValidator(lambda given, check: given if given == ALL else check(given)),
    PlainSerializer(lambda languages: languages),
]
Rows = Annotated[int, Field(ge=1)]
Options = str | dict[str, Any]
Read = Annotated[Options | list[Options], BeforeValidator(_is_read)]
Pairs = Annotated[Literal["all"] | list[str | list[str]], BeforeValidator(_are_pairs)]
HeldOut = Annotated[int | float | PathText, BeforeValidator(_is_held_out)]


def is_all(languages: object) -> bool:
    """Tell whether the languages are those that there are files of."""
    return languages == ALL


def as_list(given: Any) -> list[Any]:
    """Return what may be said alone or as a list, as a list."""
    return given if isinstance(given, list) else [given]
