"""Languages that join corpora of a store: every row there stays, with a sentence more or a gap."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from data_prep.account import Ledger
from data_prep.corpus_settings import CorpusSplit
from data_prep.engine.task import Task
from data_prep.pipeline.cleaned import cleaned, enter_sentences, enter_unread, readings
from data_prep.pipeline.held_out import reason_of
from data_prep.pipeline.texts import Piece, Run, SplitText
from data_prep.stages.clean import CLEAN
from data_prep.stages.encode import KEPT
from data_prep.stages.part import Part
from data_prep.stages.widen import NEW, SAME_ROWS_STEP, WIDEN_STEP, same_rows_content, widen_content
from mtdeep.errors import UserError

NO_ROW = "its row is not in the store"
Joined = tuple[SplitText, dict[str, int]]
"""A text with its new languages, and how many sentences of each have come to its rows."""


def wider(run: Run, before: Run, texts: Sequence[SplitText], wanted: Collection[CorpusSplit]) -> list[SplitText]:
    """Return those of *texts* whose sources, of the splits *wanted*, have got languages since *before*.

    Their pieces have all languages, and mean the new cells alone. Raises UserError when the rows are others once the
    new languages are read, and for a language that joins some sources of a split and stands in others.
    """
    if not wanted:
        return []
    _check_rows(run, before, wanted)
    found = []
    for whole in cleaned(run, wanted):
        held_out = whole.corpus.holdout if whole.trained else {}
        own = [text for text in texts if text.corpus.name == whole.corpus.name]
        joined = [_joined(run, text, whole) for text in own if text.split == whole.split or text.split in held_out]
        _enter(whole, joined)
        found += [text for text, _ in joined]
    return found


def _check_rows(run: Run, before: Run, wanted: Collection[CorpusSplit]) -> None:
    tasks = []
    for (_, source, one), (text, _, other) in zip(readings(before, wanted), readings(run, wanted), strict=True):
        arguments = {
            "before": one.folder,
            "after": other.folder,
            "rows": (one.record["rows"], other.record["rows"]),
            "languages": tuple(source.languages),
        }
        place = f"{run.loaded.where('corpora', text.number)}: corpus {text.corpus.name!r} cannot get languages"
        tasks.append(SAME_ROWS_STEP.task(str(text), same_rows_content(one.key, other.key), arguments, place=place))
    run.pool.run("compare rows", tasks)


def _joined(run: Run, text: SplitText, whole: SplitText) -> Joined:
    """Return a text of the store with the languages that *whole*, the same sources with all of them, has beside it."""
    every = [(*old, *_others(new, old)) for old, new in zip(_languages(text), _languages(whole), strict=True)]
    if twice := {code for old, codes in zip(_languages(text), every, strict=True) for code in _others(codes, old)
                 if code in text.languages}:  # fmt: skip
        raise UserError(
            f"{run.loaded.where('corpora', whole.number)}: corpus {text.corpus.name!r} has a column {min(twice)!r}, to "
            "which no sentences can be added; give them as a corpus of their own, or give --overwrite"
        )
    tasks = [_task(text, piece, wide) for piece, wide in zip(text.pieces, whole.pieces, strict=True)]
    results = run.pool.run("join new languages", tasks)
    pieces = tuple(
        Piece(Part(result.folder / CLEAN, languages, cells=result.folder / NEW), (result.key, NEW))
        for languages, result in zip(every, results, strict=True)
    )
    added = tuple(dict.fromkeys(code for codes in every for code in codes if code not in text.languages))
    cells = dict.fromkeys(added, 0)
    for result in results:
        for language, count in result.record["languages"].items():
            cells[language] += count
    # What was read and cleaned is told where it was read: a split that was held out of it has no record of its own.
    found = replace(whole, split=text.split, pieces=pieces, ledger=Ledger(), added=added)
    if text.split != whole.split:
        found = replace(found, readings=(), cleanings=())
    found.ledger.rows(read=sum(result.record["rows"] for result in results))
    return found, cells


def _task(text: SplitText, piece: Piece, wide: Piece) -> Task:
    added = _others(wide.part.languages, piece.part.languages)
    arguments = {
        "chunk": piece.part.chunk,
        "kept": piece.kept.folder / KEPT,
        "languages": piece.part.languages,
        "wide": wide.part.chunk,
        "added": added,
    }
    content = widen_content(piece.identity, piece.kept.key, wide.identity, added)
    return WIDEN_STEP.task(str(text), content, arguments)


def _enter(whole: SplitText, joined: Sequence[Joined]) -> None:
    """Enter what was read of the new languages, and why some of it is in no row of a text."""
    held = [(text, cells) for text, cells in joined if text.split != whole.split]
    for text, cells in held:
        for language, count in cells.items():
            text.ledger.sentences(language, read=count)
    for text, cells in joined:
        if text.split != whole.split:
            continue
        for reading in whole.readings:
            enter_unread(text.ledger, reading, list(cells))
        left = dict.fromkeys(cells, 0)
        for languages, record in zip(_languages(whole), whole.cleanings, strict=True):
            new = [language for language in languages if language in cells]
            enter_sentences(text.ledger, record, new)
            for language in new:
                left[language] += record["record"]["languages"][language]["kept"]
        for language, count in cells.items():
            rejected = {reason_of(other.split): its[language] for other, its in held}
            rejected[NO_ROW] = left[language] - count - sum(rejected.values())
            text.ledger.sentences(language, rejected=rejected)


def _languages(text: SplitText) -> list[tuple[str, ...]]:
    return [piece.part.languages for piece in text.pieces]


def _others(languages: Sequence[str], old: Sequence[str]) -> tuple[str, ...]:
    return tuple(language for language in languages if language not in old)
