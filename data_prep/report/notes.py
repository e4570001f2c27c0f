"""What of a store is worth a look, what may be a mistake first: lost rows, sentences, languages, and unknown tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data_prep.cleaning.cleaner import ALONE
from data_prep.cleaning.remedy import remedy
from data_prep.duplicates.leakage import searched_together
from data_prep.report.numbers import counted, in_words, percent
from data_prep.report.split import HOLD_OUT, READ
from data_prep.report.unread import Unread, unread_sentences
from data_prep.stages.hold_out import SHARED_ROWS
from data_prep.stages.select import LEFT_BY_LEAKS
from mtdeep.errors import shortened

Section = Mapping[str, Any]
MOST = 0.5
"""Share of a language's sentences above which one reason that took them is said by itself."""
_CONSEQUENCES = (ALONE, LEFT_BY_LEAKS)
_LANGUAGES, _NAMED = 10, 3
"""How many languages, and characters of each, are named that normalisation changes; the page's table has all."""
_FILES = 3


def notes(sections: Sequence[Section], provenance: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences about the splits (`split`).

    *provenance* is what the steps that made the store say together (`identity.together`).
    """
    emptied = [one for one in sections if not one["rows"]["kept"] and (one["rows"]["read"] or _empty_files(one))]
    yield from map(_emptied, emptied)
    yield from (_with_empty_files(section) for section in sections if _empty_files(section) and section not in emptied)
    for section in sections:
        yield from _unread(section, much=True)
    for section in sections:
        yield from _taken_by_one(section)
    yield from _without_training(sections)
    for section in sections:
        if section["trained"] and section["rows"]["kept"] and not section["directions"]:
            yield (
                f"{named(section)} is of one language alone: no direction draws its "
                f"{counted(section['rows']['kept'], 'sentence')}, they serve the vocabulary"
            )
    for section in sections:
        yield from _unread(section, much=False)
    for section in sections:
        if lost := lost_sentences(section):
            share = _share(sum(lost.values()), sentences(section))
            yield f"sentences lost, {named(section)}: {share}: {in_words(lost)}"
        languages = section["languages"].items()
        if gone := [code for code, tally in languages if tally["read"] and not tally["kept"]]:
            yield f"no sentence left, {named(section)}: {', '.join(gone)}"
    for trained, what in ((True, "training"), (False, "scored")):
        if unknown := _unknown([section for section in sections if section["trained"] == trained]):
            yield f"unknown tokens in the {what} text: {unknown}"
    if changed := _normalised(sections):
        yield f"sentences with characters that the vocabulary's normalisation changes: {changed}"
    removed = provenance["leakage"] == "remove"
    for scored, found in provenance["in_training_text"].items():
        what = "removed from training" if removed else "warning: in the training text"
        counts = (f"{sum(kinds.values()):,} of {language}" for language, kinds in found.items())
        yield f"{what}, sentences of {scored}: {', '.join(counts)}"
    if together := _searched_together(sections):
        yield f"searched for what is scored under other codes of the same language: {together}"


def named(section: Section) -> str:
    """Return what a split is called."""
    return f"{section['corpus']}, {section['split']}"


def unread_rows(section: Section) -> dict[str, int]:
    """Return by reason how many rows of a split could not be read."""
    return _of_reading(section, section["rows"])


def lost_sentences(section: Section) -> dict[str, int]:
    """Return by reason, the largest first, how many sentences are gone; those held out stand in another split."""
    lost: Counter[str] = Counter()
    for tally in section["languages"].values():
        lost.update({reason: count for reason, count in tally["rejected"].items() if _is_loss(section, reason)})
    return dict(lost.most_common())


def sentences(section: Section) -> int:
    """Return how many sentences of a split were read, of all languages."""
    return sum(tally["read"] for tally in section["languages"].values())


def _of_reading(section: Section, tally: Mapping[str, Any]) -> dict[str, int]:
    return {reason: count for reason, count in tally["rejected"].items() if section["steps"][reason] == READ}


def _is_loss(section: Section, reason: str) -> bool:
    return section["steps"][reason] != HOLD_OUT or reason == SHARED_ROWS


def _emptied(section: Section) -> str:
    rows = section["rows"]
    why = [*([in_words(rows["rejected"])] if rows["read"] else []), *_empty_files(section)[:_FILES]]
    return f"warning: nothing is left of {named(section)}, {counted(rows['read'], 'row')}: {'; '.join(why)}"


def _with_empty_files(section: Section) -> str:
    files = _empty_files(section)
    count = f"{len(files):,} of {counted(len(section['sources']), 'source')}"
    return f"warning: nothing in {count} of {named(section)}: {shortened(files, _FILES)}"


def _empty_files(section: Section) -> list[str]:
    """Return the files in which nothing is, with the reasons; the report of an older store names none."""
    return [f"{file['file']}: {file['why']}" for file in section.get("empty", ())]


def _unread(section: Section, *, much: bool) -> Iterator[str]:
    languages = section["languages"].items()
    texts = [Unread(tally["read"], _of_reading(section, tally), code) for code, tally in languages]
    return unread_sentences([Unread(section["rows"]["read"], unread_rows(section)), *texts], named(section), much=much)


def _taken_by_one(section: Section) -> Iterator[str]:
    """Yield each reason that took most of the sentences of a language that were read, with all such languages."""
    shares: dict[str, dict[str, float]] = {}
    for code, tally in section["languages"].items():
        for reason, count in tally["rejected"].items():
            if count > MOST * tally["read"] and section["steps"][reason] != READ and _is_loss(section, reason):
                shares.setdefault(reason, {})[code] = count / tally["read"]
    causes = {reason: of for reason, of in shares.items() if reason not in _CONSEQUENCES}
    for reason, by_language in (causes or shares).items():
        cells = (f"{percent(share)} of {code}" for code, share in sorted(by_language.items(), key=lambda one: -one[1]))
        mended = remedy(reason, list(by_language))
        yield f"warning: most sentences lost, {named(section)}, {reason}: {', '.join(cells)}{mended}"


def _without_training(sections: Sequence[Section]) -> Iterator[str]:
    """Yield the languages that are scored and never trained on, and those of which there is nothing at all."""
    scored: dict[str, list[str]] = {}
    training: Counter[str] = Counter()
    for section in sections:
        for code, tally in section["languages"].items():
            training[code] += tally["kept"] if section["trained"] else 0
            if tally["kept"] and not section["trained"]:
                scored.setdefault(code, []).append(named(section))
    untrained = [code for code, kept in training.items() if not kept]
    for code in untrained:
        if code in scored:
            splits = scored[code]
            more = f" and {counted(len(splits) - 1, 'other split')}" if len(splits) > 1 else ""
            yield f"warning: no training sentence of {code}, which is scored in {splits[0]}{more}"
    if nothing := [code for code in untrained if code not in scored]:
        yield f"warning: no sentence at all: {', '.join(nothing)}"


def _normalised(sections: Sequence[Section]) -> str:
    """Return by language, the largest share first, how many sentences are changed, and the characters that most are."""
    counts, kept = Counter[str](), Counter[str]()
    characters: dict[str, Counter[str]] = {}
    for section in sections:
        for code, tally in section["languages"].items():
            kept[code] += tally["kept"]
            if changed := tally.get("normalised"):
                counts[code] += changed["sentences"]
                for one in changed["characters"]:
                    named = f"{one['character']} to {one['becomes'] or 'nothing'}"
                    characters.setdefault(code, Counter())[named] += one["count"]
    shares = sorted(((count / kept[code], count, code) for code, count in counts.items() if count), reverse=True)
    each = [
        f"{count:,} of {code} ({percent(share)}; {', '.join(name for name, _ in characters[code].most_common(_NAMED))})"
        for share, count, code in shares
    ]
    return shortened(each, _LANGUAGES)


def _searched_together(sections: Sequence[Section]) -> str:
    """Return the codes of training text that are searched for sentences under other codes, each with those."""
    trained, scored = (
        searched_together(code for section in sections if section["trained"] == of for code in section["languages"])
        for of in (True, False)
    )
    both = ((code, scored.get(group, ())) for group, codes in trained.items() for code in codes)
    return "; ".join(f"{code} for those of {', '.join(codes)}" for code, codes in both if {*codes} - {code})


def _unknown(sections: Sequence[Section]) -> str:
    """Return by language, the largest share first, how many tokens are unknown; nothing where none is."""
    unknown, tokens = Counter[str](), Counter[str]()
    for section in sections:
        for code, sizes in section["languages"].items():
            unknown[code] += sizes["unknown"]
            tokens[code] += sizes["tokens"]
    shares = sorted(((count / tokens[code], count, code) for code, count in unknown.items() if count), reverse=True)
    return ", ".join(f"{count:,} of {code} ({percent(share)})" for share, count, code in shares)


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({percent(part / max(1, whole))})"
