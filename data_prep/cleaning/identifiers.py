"""Who says what language a text is in: py3langid, or what the user has installed, behind one small interface.

Only py3langid comes with mtdeep, its model in its wheel. Nothing is downloaded here: a fastText model is a path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Literal, Protocol

import numpy as np

from mtdeep.errors import UserError
from mtdeep.languages import resolve

Name = Literal["py3langid", "lingua", "heliport", "fasttext"]
DISTRIBUTIONS: Mapping[Name, str] = {
    "py3langid": "py3langid",
    "lingua": "lingua-language-detector",
    "heliport": "heliport",
    "fasttext": "fasttext-predict",
}
"""What each is installed as."""


class Identifier(Protocol):
    """Knows some languages, and how likely a text is in them."""

    @property
    def languages(self) -> frozenset[str]:
        """Return the canonical codes that it knows, each in the code's script alone: `uz-Cyrl` beside `uz`."""

    def probabilities(self, texts: Sequence[str], groups: Sequence[frozenset[str]]) -> np.ndarray:
        """Return (groups, texts) float64: the probability that a text is in a language of a group, all known ones."""


@cache
def identifier(name: Name, model: str | None = None) -> Identifier:
    """Return an identifier, loaded once a process. *model* is the path of fastText's.

    Raises UserError for what is not installed, and for a model that is missing or not asked for.
    """
    if (name == "fasttext") != (model is not None):
        raise UserError(
            "identifier fasttext needs `model`, the path of a fastText model (GlotLID, OpenLID, lid.176.bin)"
            if model is None
            else f"identifier {name} takes no `model`; remove it, or choose fasttext"
        )
    match name:
        case "py3langid":
            return Py3langid()
        case "lingua":
            return Lingua()
        case "heliport":
            return Heliport()
    return FastText(str(model))


class Py3langid:
    """py3langid 0.4: 140 labels, one model for all scripts of a language that it has been trained on."""

    def __init__(self) -> None:
        from data_prep.cleaning.naive_bayes import naive_bayes  # only for those who ask for it

        self._model = naive_bayes()
        codes = [label for label in self._model.labels if label != "zxx"]  # no language
        self._columns = {resolve(code): self._model.labels.index(code) for code in codes}
        # Trained on both scripts under one label.
        for code in ("sr-Latn", "uz-Cyrl", "zh-Hant"):
            self._columns[code] = self._columns[resolve(code.split("-")[0])]
        # It has only seen the Latin letters of the Crimean Tatar, and takes the Cyrillic ones for Tatar.
        self._columns["crh-Latn"] = self._columns.pop("crh")
        self.languages = frozenset(self._columns)

    def probabilities(self, texts: Sequence[str], groups: Sequence[frozenset[str]]) -> np.ndarray:
        """Return the sums over the languages' columns."""
        found = self._model.probabilities(texts)
        columns = [sorted({self._columns[language] for language in languages}) for languages in groups]
        return np.stack([found[:, of_group].sum(axis=1, dtype=np.float64) for of_group in columns])


class Lingua:
    """lingua-language-detector: 75 languages, best on short text, slow."""

    def __init__(self) -> None:
        module = _installed("lingua")
        self._detector = module.LanguageDetectorBuilder.from_all_languages().build()
        self._known = {resolve(known.iso_code_639_1.name): known for known in module.Language.all()}
        self.languages = frozenset(self._known)

    def probabilities(self, texts: Sequence[str], groups: Sequence[frozenset[str]]) -> np.ndarray:
        """Return the sums of lingua's confidence values."""
        codes = {known: code for code, known in self._known.items()}
        values = map(self._detector.compute_language_confidence_values, texts)
        return _sums(([(codes[value.language], value.value) for value in of_text] for of_text in values), groups)


class Heliport:
    """heliport (GPLv3): 220 languages, fast.

    HeLI's score is the mean of -log10 p over words; 10 to the minus score, made to add up to 1 over the best ten,
    stands for a probability here.
    """

    def __init__(self) -> None:
        self._identifier = _installed("heliport").Identifier()
        # Some labels are a macrolanguage and one of its languages: `msaind`. Its Uzbek is in Cyrillic letters.
        labels = self._identifier.get_confidence_all()
        codes = {label: label[3:] if len(label) == 6 else label for label in labels}
        self._codes = _canonical(codes | {"uzn": "uz-Cyrl"})
        self.languages = frozenset(self._codes.values())

    def probabilities(self, texts: Sequence[str], groups: Sequence[frozenset[str]]) -> np.ndarray:
        """Return the sums over the ten best languages."""
        return _sums(map(self._of, texts), groups)

    def _of(self, text: str) -> list[tuple[str | None, float]]:
        best = self._identifier.identify_topk_with_score(text, 10)
        weights = np.power(10.0, [best[0][1] - score for _, score in best])
        weights /= weights.sum()
        return [(self._codes.get(label), weight) for (label, _), weight in zip(best, weights.tolist())]


class FastText:
    """A fastText model whose labels are language codes, such as NLLB's, OpenLID, GlotLID or lid.176."""

    def __init__(self, path: str) -> None:
        module = _installed("fasttext")
        try:
            self._model = module.load_model(path)
        except ValueError as error:
            raise UserError(f"no fastText model can be read from {path}; correct `model`") from error
        labels, _ = self._model.predict("text", k=-1)  # all labels, whatever the text
        self._codes = _canonical({label: label.removeprefix("__label__") for label in labels})
        self.languages = frozenset(self._codes.values())

    def probabilities(self, texts: Sequence[str], groups: Sequence[frozenset[str]]) -> np.ndarray:
        """Return the sums of the probabilities of the labels."""
        predictions = (self._model.predict(text.replace("\n", " "), k=-1) for text in texts)
        return _sums(([(self._codes.get(label), float(p)) for label, p in zip(*best)] for best in predictions), groups)


def _installed(module: Name) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        remedy = f"pip install {DISTRIBUTIONS[module]}, or use py3langid"
        raise UserError(f"identifier {module} is not installed; {remedy}") from error


def _canonical(codes: Mapping[str, str]) -> dict[str, str]:
    """Return label -> canonical code where what the label stands for is a language's code."""
    found = {}
    for label, code in codes.items():
        try:
            found[label] = resolve(code)
        except UserError:
            continue  # zxx, und, a code of the model's own: nobody expects text in it
    return found


def _sums(answers: Iterable[Sequence[tuple[str | None, float]]], groups: Sequence[frozenset[str]]) -> np.ndarray:
    """Return (groups, texts) float64: what an identifier's *answers*, (code, probability) of each text, add up to."""
    sums = [[sum(p for code, p in answer if code in group) for group in groups] for answer in answers]
    return np.array(sums, np.float64).reshape(-1, len(groups)).T
