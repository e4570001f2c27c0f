"""One split of a corpus as plain data: where its rows and sentences went, step by step, with samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from data_prep.cleaning.record import LanguageRecord, Record, Sample, total
from data_prep.cleaning.settings import CleaningSettings, resolve, table
from data_prep.pipeline.encoded import EncodedText
from data_prep.pipeline.held_out import reason_of
from data_prep.pipeline.texts import SplitText
from data_prep.stages.hold_out import SHARED_ROWS
from data_prep.stages.leaks import TRAINED_ON
from data_prep.stages.select import LEFT_BY_LEAKS, REPEAT, SCORED
from mtdeep.corpus.manifest import CorpusRecord

READ, CLEAN, HOLD_OUT, LEAKS, REPEATS = STEPS = ("reading", "cleaning", "hold-out", "leakage", "repeats")
"""What rows and sentences pass, in this order."""
_CHARACTERS = 20
"""Of a language, how many characters are named that normalisation changes."""


def split_section(encoded: EncodedText, record: CorpusRecord, settings: CleaningSettings) -> dict[str, Any]:
    """Return all that is known of a split; *settings* are those of cleaning, *record* is the manifest's.

    rows and each of languages: read = kept + the sum of rejected, and steps says which step each reason belongs to.
    sources: what of each source of the split could not be read. cleaning: settings as resolved (none where no rule
    looked) and, by language, what the rules had nothing to say of, histograms of their scores and samples. samples:
    reason -> language -> what is scored or repeats, with the similarity as score where it is known, beside what it is
    like.
    """
    text = encoded.text
    account = record.provenance["account"]
    languages = _languages(encoded)
    return {
        "corpus": record.name,
        "split": record.split,
        "trained": text.trained,
        "directions": 2 * sum(pairs > 0 for pairs in record.pairs),
        "rows": account["rows"],
        "languages": languages,
        "steps": _steps(text, [account["rows"], *languages.values()]),
        "sources": _sources(text),
        "empty": [{"file": file.name, "why": file.why} for file in text.empty],
        "samples": _samples(text),
        "cleaning": {"settings": _settings(text, settings) if text.cleaned else [], "languages": _cleaning(text)},
    }


def wider_section(
    section: Mapping[str, Any], encoded: EncodedText, record: CorpusRecord, settings: CleaningSettings
) -> dict[str, Any]:
    """Return the section of a split with the languages that have joined it; all else in it stays."""
    text = encoded.text
    languages = _languages(encoded)
    steps = {**section["steps"], **_steps(text, languages.values())}
    known, new = section["samples"], _samples(text)
    cleaning = section["cleaning"]
    return {
        **section,
        "directions": 2 * sum(pairs > 0 for pairs in record.pairs),
        "languages": {**section["languages"], **languages},
        "steps": dict(sorted(steps.items(), key=lambda item: STEPS.index(item[1]))),
        "sources": _sources(text) or section["sources"],
        "samples": {reason: {**known.get(reason, {}), **new.get(reason, {})} for reason in {**known, **new}},
        "cleaning": {
            "settings": [*cleaning["settings"], *(_settings(text, settings) if text.cleaned else [])],
            "languages": {**cleaning["languages"], **_cleaning(text)},
        },
    }


def _languages(encoded: EncodedText) -> dict[str, dict[str, Any]]:
    account = encoded.text.ledger.account().plain()["languages"]
    return {language: {**tally, **_sizes(encoded, language)} for language, tally in account.items()}


def _sizes(encoded: EncodedText, language: str) -> dict[str, Any]:
    sizes = encoded.sizes[language]
    return {
        "characters": sizes.characters,
        "tokens": sizes.tokens,
        "unknown": sizes.unknown,
        "lengths": list(sizes.lengths),
        "normalised": {"sentences": sizes.normalised, "characters": _most(encoded.changed(language))},
    }


def _most(changed: Mapping[str, tuple[str, int]]) -> list[dict[str, Any]]:
    """Return the characters that most often are changed by normalisation, as code points."""
    return [
        {"character": _points(character), "becomes": _points(becomes), "count": count}
        for character, (becomes, count) in islice(changed.items(), _CHARACTERS)
    ]


def _points(text: str) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in text)


def _steps(text: SplitText, tallies: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the step of every reason of *tallies*, in the order of the steps."""
    known = {
        reason: READ
        for reading in text.readings
        for rejected in (reading["rejected"], *reading["rejected_texts"].values())
        for reason in rejected
    }
    known |= dict.fromkeys([*map(reason_of, text.corpus.holdout), SHARED_ROWS], HOLD_OUT)
    known |= {SCORED: LEAKS, LEFT_BY_LEAKS: LEAKS, TRAINED_ON: LEAKS, REPEAT: REPEATS}
    found = {reason: known.get(reason, CLEAN) for tally in tallies for reason in tally["rejected"]}
    return dict(sorted(found.items(), key=lambda item: STEPS.index(item[1])))


def _sources(text: SplitText) -> list[dict[str, Any]]:
    return [_source(number, reading) for number, reading in enumerate(text.readings, start=1)]


def _source(number: int, reading: Mapping[str, Any]) -> dict[str, Any]:
    samples = {
        reason: [{"place": place, "excerpt": excerpt} for place, excerpt in found]
        for reason, found in reading["samples"].items()
    }
    kept = {name: reading[name] for name in ("rejected", "rejected_texts", "aside")}
    return {"source": number, "rows": sum(reading["rows"]), **kept, "samples": samples}


def _settings(text: SplitText, settings: CleaningSettings) -> list[dict[str, Any]]:
    """Return what holds for each set of languages that a source of the split has."""
    found = []
    for languages in dict.fromkeys(piece.part.languages for piece in text.pieces):
        resolved = [
            resolve(settings, language, text.corpus.entry, [other for other in languages if other != language])
            for language in languages
        ]
        rows = [
            {"key": key, "value": value, "said_by": level, "languages": codes}
            for key, value, level, codes in table(resolved)
        ]
        found.append({"languages": list(languages), "table": rows})
    return found


def _cleaning(text: SplitText) -> dict[str, Any]:
    record = total(Record.model_validate(cleaning["record"]) for cleaning in text.cleanings)
    return {language: _of_language(found) for language, found in record.languages.items() if language in text.written}


def _samples(text: SplitText) -> dict[str, dict[str, list[dict[str, Any]]]]:
    return {
        reason: {language: list(map(_sample, samples)) for language, samples in by_language.items()}
        for reason, by_language in text.samples.items()
    }


def _of_language(record: LanguageRecord) -> dict[str, Any]:
    samples = {reason: [_sample(sample) for sample in found] for reason, found in record.samples.items()}
    return {"unchecked": record.unchecked, "histograms": record.histograms, "samples": samples}


def _sample(sample: Sample) -> dict[str, Any]:
    # JSON has no infinity, which a ratio may be.
    score = sample.score if sample.score is not None and math.isfinite(sample.score) else None
    return {"row": sample.row, "text": sample.text, "score": score, "beside": sample.beside}
