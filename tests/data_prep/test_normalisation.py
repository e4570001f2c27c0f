from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, get_args

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.normalisation import Changes, is_kept, normalizer, survival
from data_prep.vocabulary import train_model
from data_prep.vocabulary_settings import VocabularySettings

Rule = Literal["script_nfkc", "nmt_nfkc", "nfkc", "identity"]
RULES = get_args(Rule)
WORDS = ("garden", "window", "morning", "river")


def test_every_rule_is_tested() -> None:
    assert get_args(VocabularySettings.model_fields["normalization"].annotation) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_no_character_of_unicode_is_judged_wrongly(rule: str) -> None:
    survives = survival(rule)
    builtin = "nmt_nfkc" if rule == "script_nfkc" else rule  # a line of invisible characters alone is none
    normalizer = sentencepiece.SentencePieceNormalizer(rule_name=builtin)
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
    survives, has_pieces = survival(rule)(line), bool(processor(rule).encode(line))
    assert survives == has_pieces or (rule == "script_nfkc" and not survives and not line.strip(INVISIBLE))


INVISIBLE = " \t\u200b\u200c\u200e\u200f\u061c\ufeff\ufffd\u2581\x00\x01\x85\u00a0\u3000\u2028"


def normalised(rule: str, text: str) -> str:
    return normalizer(rule, escaped=False).normalize(text)


KEPT = {
    "joiners of Persian, Kannada, Malayalam; of emoji": "می\u200cخواهم ಲ್\u200c ന്\u200d 👩\u200d💻",  # noqa: RUF001
    "breaks of Khmer and Lao": "ខ្ញុំ\u200bស្រលាញ់",
    "directions beside punctuation of Sindhi and Hebrew": "چيو\u200f. שלום\u200e!",
    "vowels of Thai and Lao, a ligature of Armenian": "น้ำ ນ້ຳ ໜຶ່ງ և",
    "superscripts, fractions, ordinals": "10\u00b2 m\u00b3 5\u00bd 1\u00ba 2\u00aa x\u2099",
    "modifier letters of Tashelhit and Amuzgo, an accent of Chinantec": "g\u02b7 na\u207f a\u02dc",
    "punctuation of Chinese and Japanese": "你好，世界！（是）？：；",  # noqa: RUF001
    "a hyphen that is a letter of Mam, marks of Tibetan": "b\u2011aj \u0f0c",
    "jamo that stand alone, a numero sign": "\u314b\u314b\u314b \u21165",
}
FOLDED = {
    "\uff21\uff22\uff11": "AB1",
    "\ufb01n": "fin",
    "\ufefb": "لا",
    "\uff71\uff72": "アイ",
    "\u338f": "kg",
    "a\u00a0b\u3000c\u2009d": "a b c d",
    "e\u0302\u0301": "\u1ebf",
    "\u1100\u1161\u11a8": "\uac01",
    "a\x01b": "ab",
    "\u2f00": "\u4e00",
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_the_default_keeps_what_a_script_needs(text: str) -> None:
    assert normalised(VocabularySettings(size=20).normalization, text) == text
    assert normalised("nmt_nfkc", text) != text


@pytest.mark.parametrize("text", FOLDED)
def test_and_folds_other_shapes_as_nmt_nfkc_does(text: str) -> None:
    assert normalised("script_nfkc", text) == normalised("nmt_nfkc", text) == FOLDED[text]


def test_a_character_is_kept_or_folded_as_nmt_nfkc_does(tmp_path: Path) -> None:
    """Of every character of Unicode; and what a model changes is told by the model itself."""
    characters = [chr(i) for i in range(1, 0x110000) if not 0xD800 <= i < 0xE000]
    changes = {}
    for rule in ("script_nfkc", "nmt_nfkc"):
        model = tmp_path / rule
        model.write_bytes(processor(rule).serialized_model_proto())  # type: ignore[arg-type]
        changes[rule] = Changes(model).of(characters)
    assert changes["script_nfkc"].items() <= changes["nmt_nfkc"].items()
    kept = changes["nmt_nfkc"].keys() - changes["script_nfkc"].keys()
    assert kept == {one for one, folded in changes["nmt_nfkc"].items() if is_kept(one, folded)}
    assert not any("\u3400" <= one <= "\u9fff" or one.isascii() for one in kept)


def test_a_model_has_its_rules_with_it() -> None:
    """Encoded and decoded, in any process: nothing of the rule is looked up."""
    lines = [f"{a} می\u200cخواهم {b}，" for a in WORDS for b in WORDS]  # noqa: RUF001
    for rule, joined in (("script_nfkc", True), ("nmt_nfkc", False)):
        settings = VocabularySettings(size=26, normalization=rule, character_coverage=1.0)
        model = sentencepiece.SentencePieceProcessor(model_proto=train_model(lambda: lines, settings))
        assert (model.decode(model.encode(lines[0])) == lines[0]) == joined
