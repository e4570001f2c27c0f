"""Which sentences SentencePiece's normalisation leaves nothing of: known before a vocabulary is learned."""

from __future__ import annotations

import re
from collections.abc import Callable

import sentencepiece

# No rule set deletes a letter or digit (a test tries every one of Unicode), so one native call for the rare lines
# without any is all that this costs.
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def survival(rule: str) -> Callable[[str], bool]:
    """Return the test whether a line has text after normalisation by *rule* (nmt_nfkc, nfkc, identity)."""
    normalizer = sentencepiece.SentencePieceNormalizer(rule_name=rule)

    def survives(line: str) -> bool:
        return bool(_LETTER_OR_DIGIT.search(line)) or bool(normalizer.normalize(line))

    return survives
