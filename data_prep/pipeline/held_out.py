"""Splits that are taken out of training text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from data_prep.engine.task import Result, Task
from data_prep.pipeline.texts import Piece, Run, SplitText, what_is_left
from data_prep.readers.plain_text import read_lines
from data_prep.stages.hold_out import HOLD_OUT_STEP, KINDS, SHARED_ROWS, TRAINING, How, held_out_in, holdout_content
from data_prep.stages.part import Rows
from mtdeep.errors import UserError


def held_out(run: Run, texts: Sequence[SplitText]) -> list[SplitText]:
    """Return the texts, those of corpora with `holdout` divided. Raises UserError where they have too few rows.

    A text without rows is divided into as many without rows: whether that will do is seen in the end (`selected`).
    """
    asked = [text.trained and bool(text.corpus.holdout) for text in texts]
    filled = [any(record["rows"] for record in text.cleanings) for text in texts]
    each = list(zip(texts, asked, filled, strict=True))
    tasks = [_task(run, text) for text, is_asked, is_filled in each if is_asked and is_filled]
    results = iter(run.pool.run("hold out", tasks) if tasks else ())
    found: list[SplitText] = []
    for text, is_asked, is_filled in each:
        if not is_asked:
            found.append(text)
        else:
            found += _divided(text, next(results)) if is_filled else _without_rows(text)
    return found


def _without_rows(text: SplitText) -> Iterator[SplitText]:
    yield text
    for split in text.corpus.holdout:
        pieces = tuple(Piece(piece.part, (*piece.identity, split)) for piece in text.pieces)
        yield SplitText(text.number, text.corpus, split, pieces, empty=text.empty)


def reason_of(split: str) -> str:
    """Return why training lacks the rows that a split has."""
    return f"held out for {split}"


def _task(run: Run, text: SplitText) -> Task:
    seed = run.loaded.config.seed
    splits = {split: _how(run, how) for split, how in text.corpus.holdout.items()}
    content = holdout_content([piece.identity for piece in text.pieces], splits, seed)
    arguments = {
        "chunks": [(piece.part.chunk, piece.part.languages) for piece in text.pieces],
        "splits": splits,
        "seed": seed,
        "corpus": text.corpus.name,
        "left": what_is_left([text]),
    }
    place = run.loaded.where("corpora", text.number, "holdout")
    return HOLD_OUT_STEP.task(str(text), content, arguments, place=place)


def _how(run: Run, how: int | float | str) -> How:
    if isinstance(how, str):
        path = run.loaded.resolved(how)
        ids = tuple(line.strip() for line in read_lines(path) if line.strip())
        if not ids:
            raise UserError(f"{path}:1: no id in it; give the ids of rows, one a line")
        return ids
    return how


def _divided(text: SplitText, result: Result) -> Iterator[SplitText]:
    """Yield what is left of the training text, then each split that was taken from it."""
    names = [*text.corpus.holdout, SHARED_ROWS]
    reasons = {name: name if name == SHARED_ROWS else reason_of(name) for name in names}
    rows, languages = result.record["rows"], result.record["languages"]
    text.ledger.rows(rejected={reasons[name]: rows[name] for name in names})
    for language in text.languages:
        text.ledger.sentences(language, rejected={reasons[name]: languages[name][language] for name in names})
    yield replace(text, pieces=_of(text, result, TRAINING))
    for value, split in enumerate(text.corpus.holdout, start=1):
        divided = SplitText(text.number, text.corpus, split, _of(text, result, value))
        divided.ledger.rows(read=rows[split])
        for language in text.languages:
            divided.ledger.sentences(language, read=languages[split][language])
        yield divided


def _of(text: SplitText, result: Result, value: int) -> tuple[Piece, ...]:
    """Return the text's pieces with the rows that are *value*."""
    return tuple(
        Piece(
            replace(piece.part, rows=Rows(held_out_in(result.folder, number), KINDS, value)),
            (*piece.identity, result.key, number, value),
        )
        for number, piece in enumerate(text.pieces)
    )
