"""What the parts of the configuration share: unknown keys are errors, languages are known ones, numbers finite."""

from __future__ import annotations

from reprlib import Repr
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from mtdeep.errors import UserError
from mtdeep.languages import resolve

_SHOWN = Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 100


class Strict(BaseModel):
    """A part of the configuration; keys that it does not know are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def objection(problem: Any) -> str:
    """Return what pydantic has against a value, as the end of a sentence, with the value as far as it is short."""
    message, given = problem["msg"], problem["input"]
    wants_text = problem["type"] in ("string_type", "invalid_key")
    # YAML reads no, on, 7 and 2026-01-01 as something else.
    remedy = "; write it in quotes" if wants_text and not isinstance(given, list | dict | None) else ""
    return f"{message[0].lower()}{message[1:]}, not {_SHOWN.repr(given)}{remedy}"


def _is_language(code: str) -> str:
    try:
        resolve(code)
    except UserError as error:
        raise ValueError(str(error)) from error
    return code


LanguageCode = Annotated[str, AfterValidator(_is_language)]
