"""What of the chunks is kept: nothing that is scored, and nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from data_prep.duplicates.leakage import NEAR
from data_prep.duplicates.near import SIMILAR
from data_prep.engine.task import Result, Task
from data_prep.pipeline.emptied import check_not_empty
from data_prep.pipeline.samples import leak_samples, repeat_samples
from data_prep.pipeline.texts import Piece, Run, SplitText
from data_prep.stages.encode import KEPT
from data_prep.stages.leaks import INDEX, INDEX_STEP, LEAKS_STEP, SIGNING, index_content, leaks_content
from data_prep.stages.near_repeats import NEAR_REPEATS_STEP, SIGN_STEP, near_repeats_content, sign_content
from data_prep.stages.select import REPEAT, REPEATS_STEP, SELECT_STEP, repeats_content, select_content

Leaked = dict[str, dict[str, dict[str, int]]]
"""Scored split -> language -> exact or near -> cells of training text."""


def without_leaks(
    run: Run, texts: Sequence[SplitText], scored: Sequence[SplitText]
) -> tuple[list[SplitText], Leaked]:
    """Return the texts, of training without the sentences of *scored* ones, if they are to be removed; and how many."""
    results = searched(run, texts, scored)
    each, names = iter(results), [str(one) for one in scored]
    found = [
        _without(run, text, [next(each) for _ in text.pieces], names) if results and text.trained else text
        for text in texts
    ]
    return found, leaked(results, scored)


def _without(run: Run, text: SplitText, results: Sequence[Result], names: Sequence[str]) -> SplitText:
    samples = leak_samples(results, names)
    if run.loaded.config.leakage != "remove":
        return replace(text, samples=samples)
    pieces = (
        Piece(replace(piece.part, leaks=result.folder), (*piece.identity, result.key))
        for piece, result in zip(text.pieces, results, strict=True)
    )
    return replace(text, pieces=tuple(pieces), samples=samples)


def searched(run: Run, texts: Sequence[SplitText], scored: Sequence[SplitText]) -> list[Result]:
    """Return what is found of *scored* texts in each piece of those that are trained on; none where either lacks."""
    trained = [(text, piece) for text in texts if text.trained for piece in text.pieces]
    if not (scored and trained):
        return []
    near = any(text.corpus.near_leaks for text, _ in trained)
    sets = [[piece.part for piece in text.pieces] for text in scored]
    content = index_content([[piece.identity for piece in text.pieces] for text in scored], near)
    arguments = {"sets": sets, "near": near}
    task = INDEX_STEP.task("index", content, arguments, libraries=SIGNING if near else ())
    (known,) = run.pool.run("index what is scored", [task])
    return run.pool.run("find what is scored", [_search(text, piece, known) for text, piece in trained])


def leaked(results: Sequence[Result], scored: Sequence[SplitText]) -> Leaked:
    """Return the sums of what was found."""
    names = [str(one) for one in scored]
    return summed(*(
        {names[int(number)]: {language: kinds}}
        for result in results
        for language, of_sets in result.record["leaked"].items()
        for number, kinds in of_sets.items()
    ))  # fmt: skip


def summed(*counts: Leaked) -> Leaked:
    """Return the sums of what several searches have found."""
    found: Leaked = {}
    for one in counts:
        for scored, languages in one.items():
            for language, kinds in languages.items():
                of_language = found.setdefault(scored, {}).setdefault(language, {})
                for kind, cells in kinds.items():
                    of_language[kind] = of_language.get(kind, 0) + cells
    return found


def _search(text: SplitText, piece: Piece, known: Result) -> Task:
    near = text.corpus.near_leaks
    part = piece.part
    arguments = {"part": replace(part, leaks=None), "index": known.folder / INDEX, "near": near}
    content = leaks_content(piece.identity, known.key, near)
    return LEAKS_STEP.task(str(text), content, arguments, libraries=SIGNING if near else ())


def selected(run: Run, texts: Sequence[SplitText], before: Sequence[SplitText] = ()) -> list[SplitText]:
    """Return the texts with what is kept of each piece; training rows that repeat another are not.

    Of rows that stand in a store *before*, whose pieces are `Piece.stored`, none goes. Raises UserError as
    `check_not_empty` does.
    """
    asked = [(text, piece) for text in (*before, *texts) if _is_compared(text) for piece in text.pieces]
    place = {id(piece): number for number, (_, piece) in enumerate(asked)}
    repeated = _repeats(run, asked) if any(map(_is_compared, texts)) else None
    every = [(text, piece) for text in texts for piece in text.pieces]
    tasks = [_selection(text, piece, repeated, place.get(id(piece))) for text, piece in every]
    done = run.pool.run("select", tasks)
    results = iter(done)
    found = []
    for text in texts:
        pieces = tuple(replace(piece, selected=next(results)) for piece in text.pieces)
        for piece in pieces:
            _enter(text, piece.kept)
        found.append(replace(text, pieces=pieces))
    check_not_empty(run, found, before)
    if repeated is None:
        return found
    lost = {place[id(piece)] for (_, piece), one in zip(every, done, strict=True) if one.record["rows"][REPEAT]}
    samples = repeat_samples(run, asked, sorted(lost), repeated)
    return [
        replace(text, samples=text.samples | samples.get(text.corpus.name, {})) if text.trained else text
        for text in found
    ]


def _is_compared(text: SplitText) -> bool:
    """Tell whether rows that repeat others leave it; those of a store stay when they get languages."""
    return text.trained and bool(text.corpus.deduplicate) and not text.added


def _repeats(run: Run, asked: Sequence[tuple[SplitText, Piece]]) -> Result:
    made_from = [(*piece.identity, piece.part.rank) for _, piece in asked]
    parts, memory = [piece.part for _, piece in asked], run.loaded.config.deduplication.memory
    arguments: dict[str, Any] = {"parts": parts, "memory": memory}
    task = REPEATS_STEP.task("repeated rows", repeats_content(made_from), arguments)
    (exact,) = run.pool.run("find repeated rows", [task])
    if not any(text.corpus.deduplicate == NEAR for text, _ in asked):
        return exact
    signed = _signed(run, asked)
    keys = [None if result is None else result.key for result in signed]
    content = near_repeats_content(made_from, keys, exact.key, SIMILAR)
    folders = [None if result is None else result.folder for result in signed]
    arguments |= {"signed": folders, "repeated": exact.folder}
    task = NEAR_REPEATS_STEP.task("nearly repeated rows", content, arguments)
    (near,) = run.pool.run("find nearly repeated rows", [task])
    return near


def _signed(run: Run, asked: Sequence[tuple[SplitText, Piece]]) -> list[Result | None]:
    """Return the signatures of the pieces whose near repeats are to go, None for the others."""
    wanted = [text.corpus.deduplicate == NEAR for text, _ in asked]
    tasks = [
        SIGN_STEP.task(
            str(text),
            sign_content(str(piece.identity[0])),
            {"chunk": piece.part.chunk, "languages": piece.part.languages},
        )
        for (text, piece), is_wanted in zip(asked, wanted, strict=True)
        if is_wanted
    ]
    results = iter(run.pool.run("sign", tasks))
    return [next(results) if is_wanted else None for is_wanted in wanted]


def _selection(text: SplitText, piece: Piece, repeated: Result | None, number: int | None) -> Task:
    compared = None if repeated is None or number is None else (repeated, number)
    arguments = {
        "part": piece.part,
        "least": text.least,
        "repeated": None if compared is None else (compared[0].folder, compared[1]),
    }
    of = None if compared is None else (compared[0].key, compared[1])
    return SELECT_STEP.task(str(text), select_content(piece.identity, text.least, of), arguments)


def _enter(text: SplitText, result: Result) -> None:
    rows = dict(result.record["rows"])
    text.ledger.rows(kept=rows.pop(KEPT), rejected=rows)
    for language in text.written:
        rejected = dict(result.record["languages"].get(language) or {KEPT: 0})
        text.ledger.sentences(language, kept=rejected.pop(KEPT), rejected=rejected)
