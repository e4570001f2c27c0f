"""Rule: little but addresses of pages and mail."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from data_prep.cleaning.rule import CellRule, share
from data_prep.cleaning.texts import Texts

_ADDRESS = re.compile(r"\w+://[^\s<>\"]+|www\.[^\s<>\"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# One of these is in every match, and few lines have any.
_SIGNS = ("://", "www.", "@")


class Urls(CellRule):
    """Score: the share of addresses in the characters that are no blanks.

    A sentence may name an address; one that is mostly address teaches copying at best.
    """

    name: ClassVar[str] = "urls"
    above: ClassVar[str] = "mostly addresses"

    max: float | None = 0.5

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the share of characters in addresses."""
        covered = np.zeros(len(texts), np.int64)
        for i in texts.containing(*_SIGNS):
            covered[i] = sum(len(found) for found in _ADDRESS.findall(texts[i]))
        return share(covered, texts.not_blank)
