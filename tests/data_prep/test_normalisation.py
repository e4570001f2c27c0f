from __future__ import annotations

from functools import cache
from typing import Literal, get_args

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.normalisation import survival
from data_prep.vocabulary import train_model
from data_prep.vocabulary_settings import VocabularySettings

Rule = Literal["nmt_nfkc", "nfkc", "identity"]
RULES = get_args(Rule)
WORDS = ("garden", "window", "morning", "river")


def test_every_rule_is_tested() -> None:
    assert get_args(VocabularySettings.model_fields["normalization"].annotation) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_no_character_of_unicode_is_judged_wrongly(rule: str) -> None:
    survives = survival(rule)
    normalizer = sentencepiece.SentencePieceNormalizer(rule_name=rule)
    characters = [chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000]
    wrong = [c for c in characters if survives(c) != bool(normalizer.normalize(c))]
    assert not wrong


@cache
def processor(rule: Rule) -> sentencepiece.SentencePieceProcessor:
    """Return a tiny model with the rule, trained as `prepare` trains one."""
    lines = [f"the {a} sees {b} and {c}" for a in WORDS for b in WORDS for c in WORDS]
    model = train_model(lambda: lines, VocabularySettings(size=20, normalization=rule))
    return sentencepiece.SentencePieceProcessor(model_proto=model)


odd = st.sampled_from([*"a \t\u200b\u200c\u200e\ufeff\ufffd\u2581\u00ad\u3164\u0301\x00\x01\x85\u00a0\u3000\u2028._-"])


@settings(max_examples=300, deadline=None)
@given(line=st.text(odd, max_size=6) | st.text(st.characters(exclude_categories=["Cs"]), max_size=3))
@pytest.mark.parametrize("rule", RULES)
def test_what_survives_has_pieces(rule: Rule, line: str) -> None:
    assert survival(rule)(line) == bool(processor(rule).encode(line))
