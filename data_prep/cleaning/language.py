"""Rule: text that is most likely in another language."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

import langcodes
import numpy as np
from pydantic import Field

from data_prep.cleaning.characters import SCRIPTED, letters_of
from data_prep.cleaning.identifiers import DISTRIBUTIONS, Name, identifier
from data_prep.cleaning.length_factors import factor_of
from data_prep.cleaning.related import family
from data_prep.cleaning.rule import CellRule
from data_prep.cleaning.texts import Texts
from data_prep.strict import PathText
from mtdeep.families import branch
from mtdeep.languages import script, scripts

_FIRST = 300
"""Characters that are looked at: more would not change the answer."""


class Language(CellRule):
    """Score: the probability that the text is in its column's language or a close relative (`related.family`).

    The probability of the expected language, not the name of the likeliest: many languages share a little with many.
    Nothing to say of languages that the identifier does not know, in that script, nor of texts of less than `letters`
    letters (times the length factor: 9 Chinese ones), which identifiers guess at: small models reject useful short
    phrases of clean corpora (https://github.com/mozilla/translations/issues/814).

    Of a language in several scripts an identifier may know one. The score of a text in another is the probability that
    it is not in the likeliest family of another branch that the identifier knows there: Kyrgyz in Latin letters is no
    fault, English in its place is.
    """

    name: ClassVar[str] = "language"
    below: ClassVar[str] = "another language"
    edges: ClassVar[tuple[float, ...]] = (1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    slow: ClassVar[bool] = True

    min: float | None = 0.02
    letters: int = Field(default=25, ge=1)
    identifier: Name = "py3langid"
    model: PathText | None = None

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
            letters = texts.count_class(SCRIPTED)
            judged = letters * factor_of(language) >= self.letters
            foreign = _in_scripts(texts, letters, unlearned_letters(self.identifier, self.model, language))
            found[judged & ~foreign] = self._probabilities(texts, judged & ~foreign, [known])[0]
            others = strangers(self.identifier, self.model, language)
            if others and (judged & foreign).any():
                found[judged & foreign] = 1 - self._probabilities(texts, judged & foreign, others).max(axis=0)
        return found

    def _probabilities(self, texts: Texts, chosen: np.ndarray, groups: Sequence[frozenset[str]]) -> np.ndarray:
        """Return (groups, chosen texts) float64; chosen: (texts,) bool."""
        some = [texts[i][:_FIRST] for i in np.flatnonzero(chosen).tolist()]
        return identifier(self.identifier, self.model).probabilities(some, groups)


@cache
def expected(name: Name, model: str | None, language: str) -> frozenset[str]:
    """Return what an identifier may answer for a canonical code: nothing if it does not know that language."""
    written, known = scripts(language), _learned(name, model, language)
    if not known or (written and not known & set(written)):
        return frozenset()
    return frozenset(code for code in identifier(name, model).languages if family(code) == family(language))


@cache
def strangers(name: Name, model: str | None, language: str) -> Sequence[frozenset[str]]:
    """Return the families of other branches that an identifier knows where it knows this language not.

    That is in the scripts that this one is written in too, though the identifier has not learned it in them. A family
    is of the branch that CLDR has any of its labels in: some (`uzs`) are in none there, and would be strangers to all.
    """
    unlearned = set(scripts(language)) - _learned(name, model, language)
    families: dict[str, set[str]] = {}
    branches: dict[str, set[str]] = {family(language): {branch(language)}}
    for code in identifier(name, model).languages:
        branches.setdefault(family(code), set()).add(branch(code))
        if script(code) in unlearned:
            families.setdefault(family(code), set()).add(code)
    return [frozenset(codes) for of, codes in sorted(families.items()) if branch(language) not in branches[of]]


@cache
def unlearned_letters(name: Name, model: str | None, language: str) -> np.ndarray | None:
    """Return (code points,) bool: the letters of a language of which the identifier has learned none; None for none."""
    known = _learned(name, model, language)
    unlearned = set(scripts(language)) - known
    if not known or not unlearned:
        return None
    letters = letters_of(frozenset(unlearned)) & ~letters_of(known)
    return letters if letters.any() else None


def _learned(name: Name, model: str | None, language: str) -> frozenset[str]:
    """Return the scripts in which an identifier knows a language."""
    codes = identifier(name, model).languages
    return frozenset(script(code) for code in codes if _base(code) == _base(language))


def _in_scripts(texts: Texts, letters: np.ndarray, of_scripts: np.ndarray | None) -> np.ndarray:
    """Return (texts,) bool: whether most letters of a text are of some scripts.

    letters: (texts,) int, how many there are; of_scripts: (code points,) bool, None for no script.
    """
    if of_scripts is None:
        return np.zeros(len(texts), bool)
    return texts.count_where(of_scripts[texts.codes]) > letters / 2


def _base(code: str) -> str:
    return str(langcodes.Language.get(code, normalize=False).language)
