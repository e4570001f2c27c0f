"""What the parts of the configuration share: unknown keys are errors, languages are known ones."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from mtdeep.errors import UserError
from mtdeep.languages import resolve


class Strict(BaseModel):
    """A part of the configuration; keys that it does not know are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_language(code: str) -> str:
    try:
        resolve(code)
    except UserError as error:
        raise ValueError(str(error)) from error
    return code


LanguageCode = Annotated[str, AfterValidator(_is_language)]
