"""Rule: text that is most likely in another language."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import langcodes
import numpy as np
from pydantic import Field

from data_prep.cleaning.characters import SCRIPTED
from data_prep.cleaning.identifiers import DISTRIBUTIONS, Name, identifier
from data_prep.cleaning.length_factors import factor_of
from data_prep.cleaning.related import family
from data_prep.cleaning.rule import CellRule
from data_prep.cleaning.texts import Texts
from mtdeep.languages import script

_FIRST = 300
"""Characters that are looked at: more would not change the answer."""


class Language(CellRule):
    """Score: the probability that the text is in its column's language or a close relative (`related.family`).

    The probability of the expected language, not the name of the likeliest: many languages share a little with many.
    Nothing to say of languages that the identifier does not know, in that script, nor of texts of less than `letters`
    letters (times the length factor: 9 Chinese ones), which identifiers guess at: small models reject useful short
    phrases of clean corpora (https://github.com/mozilla/translations/issues/814).
    """

    name: ClassVar[str] = "language"
    below: ClassVar[str] = "another language"
    edges: ClassVar[tuple[float, ...]] = (1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    slow: ClassVar[bool] = True

    min: float | None = 0.05
    letters: int = Field(default=25, ge=1)
    identifier: Name = "py3langid"
    model: str | None = None

    @property
    def used_libraries(self) -> tuple[str, ...]:
        """Return the identifier's, whose models come with it."""
        return (DISTRIBUTIONS[self.identifier],)

    @property
    def used_file(self) -> str | None:
        """Return the model's path, where the identifier has none of its own."""
        return self.model

    def decided(self) -> dict[str, Any]:
        """Return what decides the scores but for the model's file, whose content does and not its path."""
        return {**super().decided(), "model": self.model is not None}

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the probability of the expected language."""
        found = np.full(len(texts), np.nan)
        known = expected(self.identifier, self.model, language)
        if known:
            letters = texts.count_class(SCRIPTED) * factor_of(language)
            long_enough = np.flatnonzero(letters >= self.letters)
            chosen = [texts[i][:_FIRST] for i in long_enough.tolist()]
            found[long_enough] = identifier(self.identifier, self.model).probabilities(chosen, known)
        return found


@cache
def expected(name: Name, model: str | None, language: str) -> frozenset[str]:
    """Return what an identifier may answer for a canonical code: nothing if it does not know that language."""
    codes = identifier(name, model).languages
    same = (code for code in codes if _base(code) == _base(language))
    if not any(script(code) == script(language) for code in same):
        return frozenset()
    return frozenset(code for code in codes if family(code) == family(language))


def _base(code: str) -> str:
    return str(langcodes.Language.get(code, normalize=False).language)
