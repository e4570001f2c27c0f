"""Rule: letters of another script than the language's."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import field_validator

from data_prep.cleaning.characters import SCRIPTED, letters_of
from data_prep.cleaning.rule import CellRule, share
from data_prep.cleaning.texts import Texts
from mtdeep import languages


class Script(CellRule):
    """Score: the share of letters that belong to the language's scripts.

    These are the code's own (`sr-Latn`), or all that the language is written in (`uz`; `mtdeep.languages.scripts`), or
    those that `scripts` says. Nothing to say of text without letters, nor of languages whose scripts nobody has data
    on. The bound is below stopes' half: names in Latin letters are common everywhere.
    """

    name: ClassVar[str] = "script"
    below: ClassVar[str] = "letters of other scripts"

    min: float | None = 0.2
    scripts: tuple[str, ...] = ()

    @field_validator("scripts")
    @classmethod
    def _are_scripts(cls, scripts: tuple[str, ...]) -> tuple[str, ...]:
        letters_of(frozenset(scripts or ("Latn",)))
        return scripts

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the share of letters in the expected scripts."""
        scripts = self.scripts or languages.scripts(language)
        if not scripts:
            return np.full(len(texts), np.nan)
        expected = letters_of(frozenset(scripts))
        return share(texts.count_where(expected[texts.codes]), texts.count_class(SCRIPTED))
