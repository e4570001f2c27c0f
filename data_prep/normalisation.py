"""What SentencePiece makes of characters before it cuts text into pieces, and which sentences that leaves nothing of.

`script_nfkc`, the default, is its `nmt_nfkc` but for characters that some script needs: folded, they would be another
spelling, another number or two words (docs/corpora.md has what that costs by language). What is left of the folding are
other shapes of the same character: presentation forms, widths of letters and digits, blanks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import sentencepiece

from data_prep.engine.libraries import UNICODE

SCRIPT_NFKC = "script_nfkc"
LIBRARIES_OF: Mapping[str, tuple[str, ...]] = {SCRIPT_NFKC: (UNICODE,)}
"""Of rules that are made here, what they are made with beside SentencePiece."""
# No rule set deletes a letter or digit (a test tries every one of Unicode), so one native call for the rare lines
# without any is all that this costs.
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_NOTHING = re.compile(r"(?!)")
# Joiners, breaks and directions: within words of Persian, Khmer or Kannada, beside the punctuation of Sindhi. nmt_nfkc
# makes blanks of them.
_INVISIBLE = frozenset("\u200b\u200c\u200e\u200f\u061c")
_NUMERO = "\u2116"  # a letter of no script, but one that Cyrillic text has where Latin text has "No"
# Kinds of compatibility decompositions (UAX 44, table 14) whose characters mean something else than what they are
# folded to: 10\u00b2 is not 102, nor 5\u00bd 51\u20442, nor is a modifier letter its base.
_OTHER_MEANING = frozenset({"<super>", "<sub>", "<fraction>", "<circle>"})
# Their letters are spelt with the character, not with the two that it is folded to.
_SPELT_WITH = frozenset({"THAI", "LAO", "TIBETAN", "ARMENIAN", "ARABIC", "HANGUL"})
_PRESENTATION = 0xFB00
"""The first of the blocks that have nothing but other shapes of letters."""


def is_kept(character: str, folded: str) -> bool:
    """Tell whether `script_nfkc` leaves a character as it is that `nmt_nfkc` makes *folded* of."""
    if character in _INVISIBLE or character == _NUMERO:
        return True
    match unicodedata.decomposition(character).split(" ")[0]:
        case kind if kind in _OTHER_MEANING:
            return True
        case "<noBreak>":  # a hyphen of Mayan languages, a mark of Tibetan
            return not character.isspace()
        case "<wide>":  # the punctuation of Chinese and Japanese
            return unicodedata.category(character)[0] in "PS"
        case "<compat>":  # accents that stand alone are letters of some languages, and would fall apart
            script = unicodedata.name(character, "").split(" ")[0]
            apart = folded.startswith(" ") and not character.isspace()
            return apart or (script in _SPELT_WITH and ord(character) < _PRESENTATION)
    return False


def normalizer(rule: str, *, escaped: bool) -> sentencepiece.SentencePieceNormalizer:
    """Return SentencePiece's normaliser by a rule's name; *escaped*: with its mark in place of blanks, as it trains."""
    options: dict[str, Any] = {"add_dummy_prefix": escaped, "escape_whitespaces": escaped}
    options["remove_extra_whitespaces"] = True
    if rule != SCRIPT_NFKC:
        return sentencepiece.SentencePieceNormalizer(rule_name=rule, **options)
    return sentencepiece.SentencePieceNormalizer(normalizer_spec=_script_nfkc(), **options)


@lru_cache(maxsize=1)
def _script_nfkc() -> bytes:
    """Return SentencePiece's specification of `script_nfkc`, made once a process: a second or less."""
    rules = sentencepiece.SentencePieceNormalizer(rule_name="nmt_nfkc").Decompile()
    kept = frozenset(source for source, folded in rules if len(source) == 1 and is_kept(source, folded))
    left = [(source, folded) for source, folded in rules if kept.isdisjoint(source)]
    sentencepiece.set_min_log_level(2)  # or it tells of a table of this size
    specification: bytes = sentencepiece.SentencePieceNormalizer(norm_map=left).serialized_normalizer_spec()
    return specification


@lru_cache(maxsize=4)
def survival(rule: str | Path) -> Callable[[str], bool]:
    """Return the test whether a line has text after normalisation by *rule*.

    *rule*: script_nfkc, nmt_nfkc, nfkc, identity, or the file of a SentencePiece model, which has its own. A line of
    nothing but what script_nfkc keeps and nmt_nfkc makes a blank of has none.
    """
    if isinstance(rule, Path):
        normalizer = sentencepiece.SentencePieceNormalizer(model_proto=rule.read_bytes())
        certain = _LETTER_OR_DIGIT if _keeps_letters(normalizer) else _NOTHING
    else:
        normalizer = sentencepiece.SentencePieceNormalizer(rule_name="nmt_nfkc" if rule == SCRIPT_NFKC else rule)
        certain = _LETTER_OR_DIGIT

    def survives(line: str) -> bool:
        return bool(certain.search(line)) or bool(normalizer.normalize(line))

    return survives


def _keeps_letters(normalizer: sentencepiece.SentencePieceNormalizer) -> bool:
    """Return whether a model's own rules leave something of every letter and digit of Unicode, as the named ones do."""
    letters = _LETTER_OR_DIGIT.findall("".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)])))
    return all(normalizer.normalize(letters))


class Changes:
    """Which characters a rule changes, or a model's own normalisation, each by itself, and into what."""

    def __init__(self, rule: str | Path) -> None:
        if isinstance(rule, Path):
            given: dict[str, Any] = {"model_proto": rule.read_bytes()}
        elif rule == SCRIPT_NFKC:
            given = {"normalizer_spec": _script_nfkc()}
        else:
            given = {"rule_name": rule}
        self._normalizer = sentencepiece.SentencePieceNormalizer(
            **given, add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
        )
        self._known: dict[str, str] = {}

    def of(self, characters: Iterable[str]) -> dict[str, str]:
        """Return character -> what it becomes, for those of *characters* that do not stay as they are."""
        new = [character for character in characters if character not in self._known]
        self._known |= zip(new, self._normalizer.normalize(new), strict=True)
        return {one: self._known[one] for one in characters if self._known[one] != one}
