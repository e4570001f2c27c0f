"""What is worth a look, and that a store without any of it has no note."""

from __future__ import annotations

from typing import Any

from data_prep.cleaning.cleaner import ALONE
from data_prep.report.notes import notes
from data_prep.stages.hold_out import SHARED_ROWS

NO_LEAKS: dict[str, Any] = {"leakage": "remove", "in_training_text": {}}
STEPS = {"invalid UTF-8": "reading", "held out for dev": "hold-out", SHARED_ROWS: "hold-out"}


def section(
    languages: dict[str, tuple[int, dict[str, int]]],
    split: str = "train",
    *,
    directions: int = 2,
    unread: dict[str, int] | None = None,
) -> dict[str, Any]:
    """A split of 1,000 rows: of each language how many sentences were read and rejected."""
    unread = unread or {}
    reasons = {reason for _, rejected in languages.values() for reason in rejected}
    return {
        "corpus": "talks",
        "split": split,
        "trained": split == "train",
        "directions": directions,
        "rows": {"read": 1000, "kept": 1000 - sum(unread.values()), "rejected": unread},
        "steps": {**dict.fromkeys(reasons, "cleaning"), **dict.fromkeys(unread, "reading"), **STEPS},
        "languages": {
            code: {"read": read, "kept": read - sum(rejected.values()), "rejected": rejected, "tokens": 0, "unknown": 0}
            for code, (read, rejected) in languages.items()
        },
    }


def said(*sections: dict[str, Any]) -> list[str]:
    return list(notes(sections, NO_LEAKS))


def test_nothing_to_say() -> None:
    held_out = {"held out for dev": 600}
    assert said(section({"en": (1000, held_out), "de": (900, held_out)}), section({"en": (600, {})}, "dev")) == []


def test_rows_that_could_not_be_read_come_first_where_they_are_many() -> None:
    cleaned = {"en": (957, {"length: too long": 7})}
    many, few = section(cleaned, unread={"invalid UTF-8": 51}), section(cleaned, unread={"a NUL": 50})
    lost = "sentences lost, talks, train: 7 of 957 (0.731 %): 7 length: too long"
    assert said(few, many) == [
        "warning: 51 of 1,000 rows (5.1 %) of talks, train could not be read: 51 invalid UTF-8; is it in another "
        "encoding?",
        "50 of 1,000 rows (5 %) of talks, train could not be read: 50 a NUL",
        lost,
        lost,
    ]


def test_sentences_that_could_not_be_read_are_as_rows_are() -> None:
    """Of each language for itself, at the same share; what took most of them is said once."""
    utf8 = "invalid UTF-8"
    of = section({"fr": (1000, {utf8: 700}), "cs": (100, {utf8: 6}), "de": (100, {utf8: 5}), "en": (1000, {})})
    assert said(of) == [
        "warning: 700 of 1,000 sentences of fr (70 %), 6 of 100 sentences of cs (6 %) of talks, train could not be "
        "read: 706 invalid UTF-8; is it in another encoding?",
        "5 of 100 sentences of de (5 %) of talks, train could not be read: 5 invalid UTF-8",
        "sentences lost, talks, train: 711 of 2,200 (32.3 %): 711 invalid UTF-8",
    ]


def test_what_takes_most_of_a_language_is_said_with_its_share() -> None:
    wrong = {"language: another language": 990}
    first, *_ = said(section({"en": (1000, wrong), "de": (1000, {ALONE: 990}), "fr": (1000, {SHARED_ROWS: 500})}))
    assert first == (
        "warning: most sentences lost, talks, train, language: another language: 99 % of en; are the files exchanged "
        "or mislabelled? If not, write `cleaning: {languages: {en: {language: false}}}`"
    )
    first, *_ = said(section({"de": (3, {ALONE: 2})}))
    assert first == f"warning: most sentences lost, talks, train, {ALONE}: 66.7 % of de"


def test_sentences_that_are_held_out_are_not_lost() -> None:
    train = {
        "en": (1200, {"script": 1, "held out for dev": 200, SHARED_ROWS: 20}),
        "grc": (3, {"script": 1, "length": 1, "held out for dev": 1}),
    }
    assert said(section(train), section({"grc": (1, {})})) == [
        f"sentences lost, talks, train: 23 of 1,203 (1.91 %): 20 {SHARED_ROWS}, 2 script, 1 length",
        "no sentence left, talks, train: grc",
    ]


def test_languages_without_training_text() -> None:
    scored = [section({"he": (9, {})}, "dev"), section({"he": (9, {}), "en": (9, {})}, "test")]
    assert said(section({"en": (9, {}), "hbo": (0, {}), "syr": (0, {})}), *scored) == [
        "warning: no training sentence of he, which is scored in talks, dev and 1 other split",
        "warning: no sentence at all: hbo, syr",
    ]


def test_text_that_no_direction_draws() -> None:
    assert said(section({"en": (1000, {})}, directions=0)) == [
        "talks, train is of one language alone: no direction draws its 1,000 sentences, they serve the vocabulary"
    ]


def test_unknown_tokens_of_training_text_and_of_what_is_scored() -> None:
    def of(split: str, **unknown: int) -> dict[str, Any]:
        found = section({code: (1, {}) for code in unknown}, split)
        for code, count in unknown.items():
            found["languages"][code] |= {"tokens": 1000, "unknown": count}
        return found

    assert said(of("train", en=5, de=100, fr=0), of("train", en=0, de=232), of("test", fr=1)) == [
        "unknown tokens in the training text: 332 of de (16.6 %), 5 of en (0.25 %)",
        "unknown tokens in the scored text: 1 of fr (0.1 %)",
    ]


def test_leaks() -> None:
    leaked = {"talks, test": {"en": {"exact": 2, "near": 3}}}
    assert list(notes([], {"leakage": "report", "in_training_text": leaked})) == [
        "warning: in the training text, sentences of talks, test: 5 of en"
    ]
    assert list(notes([], {"leakage": "remove", "in_training_text": leaked})) == [
        "removed from training, sentences of talks, test: 5 of en"
    ]


def test_codes_that_are_searched_for_one_another_are_named() -> None:
    some = (5, {})
    train = section({"en": some, "en-US": some, "pt": some, "zh-Hans": some, "de": some})
    test = section({"en": some, "pt-BR": some, "zh-Hant": some, "de": some}, "test")
    (note,) = [line for line in said(train, test) if "searched" in line]
    assert note == (
        "searched for what is scored under other codes of the same language: en-US for those of en; "
        "pt for those of pt-BR"
    )


def test_what_normalisation_changes_is_counted_by_language() -> None:
    def with_changes(code: str, sentences: int, split: str, **characters: int) -> dict[str, Any]:
        made = section({code: (10, {})}, split)
        changed = [{"character": f"U+{one}", "becomes": "U+0020", "count": n} for one, n in characters.items()]
        made["languages"][code]["normalised"] = {"sentences": sentences, "characters": changed}
        return made

    made = [with_changes("fa", 4, "train", **{"200C": 9}), with_changes("fa", 1, "dev", **{"200F": 1, "200C": 2})]
    (note,) = [line for line in said(*made, with_changes("de", 0, "train")) if "normalisation" in line]
    assert note == (
        "sentences with characters that the vocabulary's normalisation changes: "
        "5 of fa (25 %; U+200C to U+0020, U+200F to U+0020)"
    )
