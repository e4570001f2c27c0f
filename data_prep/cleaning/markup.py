"""Rule: tags, entities, templates and code instead of text."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from data_prep.cleaning.rule import CellRule, share
from data_prep.cleaning.texts import Texts

_MARKUP = re.compile(
    r"</?[A-Za-z][^<>]{0,500}>"  # HTML, XML
    r"|<!--.{0,500}?-->|<!\[CDATA\[|\]\]>"
    r"|&(?:[A-Za-z][A-Za-z0-9]{1,30}|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});"  # entities
    r"|\{\{[^{}]{0,500}\}\}|\[\[[^\[\]]{0,500}\]\]"  # wiki
    r"|\$\{[^{}]{0,200}\}|\{\w*\}|%\(\w+\)[sd]|%(?:\d+\$)?[sd]"  # placeholders of programs
)
_SIGNS = ("<", "&", "{", "[[", "]]", "%")


class Markup(CellRule):
    """Score: the share of markup and placeholders in the characters that are no blanks.

    A translator of user interfaces must see them, so a sentence with some is kept.
    """

    name: ClassVar[str] = "markup"
    above: ClassVar[str] = "mostly markup"

    max: float | None = 0.5

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the share of characters in markup."""
        covered = np.zeros(len(texts), np.int64)
        for i in texts.containing(*_SIGNS):
            covered[i] = sum(len("".join(found.split())) for found in _MARKUP.findall(texts[i]))
        return share(covered, texts.not_blank)
