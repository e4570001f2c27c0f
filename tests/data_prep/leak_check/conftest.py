"""Training text and an n-way test set with leaks of every kind planted in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

LANGUAGES = ("en", "de", "fr")
SYLLABLES = ("ba", "ko", "li", "mu", "ne", "ra", "so", "ti")


class Planted:
    """Columns by corpus: `test` is n-way, `news` is en-de, `web` is de-fr, `clean` is a test set without leaks."""

    def __init__(self) -> None:
        draw = np.random.default_rng(3)

        def sentence(words: int = 24) -> str:
            return " ".join("".join(draw.choice(SYLLABLES, 3)) for _ in range(words)) + "."

        def column(rows: int) -> list[str]:
            return [sentence() for _ in range(rows)]

        self.test = {language: column(6) for language in LANGUAGES}
        self.test["en"][5] = "Short."
        self.test["fr"][4] = self.test["de"][1] = ""
        self.clean = {"en": column(4), "de": column(4)}
        self.news = {"en": column(40), "de": column(40)}
        self.web = {"de": column(40), "fr": column(40)}
        english, german = self.test["en"], self.test["de"]
        self.news["en"][3] = f"  {english[0].upper()} "  # equal but for case and spaces
        self.news["en"][7] = english[1].replace(" ", ", ", 4).replace(".", "!")  # punctuation changed
        self.news["en"][8] = " ".join([*english[2].split()[:-1], sentence(1)])  # a word changed
        self.news["en"][9] = "short."
        self.web["de"][5] = german[3]  # with another translation than the test set's
        self.news["de"][11] = german[3]
        self.web["fr"][12] = " ".join(self.test["fr"][0].split()[12:] + sentence(12).split())  # half of it: no leak

    @property
    def training(self) -> dict[str, dict[str, list[str]]]:
        return {"news": self.news, "web": self.web}


@pytest.fixture(scope="session")
def planted() -> Planted:
    return Planted()


@pytest.fixture(scope="session")
def files(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with NAME.LANGUAGE of every corpus."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("test", "clean", "news", "web"):
        for language, column in getattr(planted, name).items():
            (folder / f"{name}.{language}").write_text("".join(f"{line}\n" for line in column))
    return folder


@pytest.fixture(scope="session")
def store(planted: Planted, write_store, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """A store of the training text with both test sets."""
    corpora = {(name, "train"): columns for name, columns in planted.training.items()}
    corpora |= {("flores", "test"): planted.test, ("clean", "valid"): planted.clean}
    return write_store(tmp_path_factory.mktemp("store") / "store", LANGUAGES, corpora, 60)
