"""Which sentences SentencePiece's normalisation leaves nothing of: known before a vocabulary is learned."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import sentencepiece

# No rule set deletes a letter or digit (a test tries every one of Unicode), so one native call for the rare lines
# without any is all that this costs.
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_NOTHING = re.compile(r"(?!)")


@lru_cache(maxsize=4)
def survival(rule: str | Path) -> Callable[[str], bool]:
    """Return the test whether a line has text after normalisation by *rule*.

    *rule*: nmt_nfkc, nfkc, identity, or the file of a SentencePiece model, which has its own.
    """
    if isinstance(rule, Path):
        normalizer = sentencepiece.SentencePieceNormalizer(model_proto=rule.read_bytes())
        certain = _LETTER_OR_DIGIT if _keeps_letters(normalizer) else _NOTHING
    else:
        normalizer = sentencepiece.SentencePieceNormalizer(rule_name=rule)
        certain = _LETTER_OR_DIGIT

    def survives(line: str) -> bool:
        return bool(certain.search(line)) or bool(normalizer.normalize(line))

    return survives


def _keeps_letters(normalizer: sentencepiece.SentencePieceNormalizer) -> bool:
    """Return whether a model's own rules leave something of every letter and digit of Unicode, as the named ones do."""
    letters = _LETTER_OR_DIGIT.findall("".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)])))
    return all(normalizer.normalize(letters))
