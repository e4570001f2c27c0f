"""What a configuration adds to a store, while all that stands there stays: new splits, and languages of old ones.

What stands there is found by doing again what made it, step by step, which costs no more than looking where the work
folder was kept. New rows that repeat rows of the store go, those of the store never do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from data_prep.engine.task import Result, Task
from data_prep.growth import Growth
from data_prep.pipeline.cleaned import cleaned
from data_prep.pipeline.held_out import held_out
from data_prep.pipeline.selected import Leaked, leaked, searched, selected, summed, without_leaks
from data_prep.pipeline.texts import Piece, Run, SplitText
from data_prep.pipeline.wider import wider
from data_prep.stages.encode import KEPT
from data_prep.stages.leaks import TRAINED_ON, WITHOUT_MET_STEP, without_met_content
from mtdeep.errors import UserError


@dataclass(frozen=True)
class Grown:
    """A store's texts after a step: those that it *had*, what the step *added*, and what that found to be scored.

    added: new splits, and splits of the store with the languages that join them (`SplitText.added`).
    """

    had: Sequence[SplitText]
    added: Sequence[SplitText]
    leaked: Leaked

    @property
    def texts(self) -> list[SplitText]:
        """Return all of them, as the next step finds them."""
        wider = {text.name: replace(text, added=()) for text in self.added if text.added}
        return [*(wider.get(text.name, text) for text in self.had), *(text for text in self.added if not text.added)]


def first(run: Run) -> Grown:
    """Return what a store begins with."""
    texts = held_out(run, cleaned(run))
    texts, found = without_leaks(run, texts, [text for text in texts if not text.trained])
    return Grown((), selected(run, texts), found)


def grow(run: Run, before: Run, texts: Sequence[SplitText], growth: Growth) -> Grown:
    """Return what *run* adds to *texts*, which the steps up to *before* have made.

    Rows that were chosen to be held out leave their split where the store's training text has a sentence of them.
    Raises UserError when what else is to be scored has such sentences, for which that text would have to be written
    again, and when the rows of a corpus are others once its new languages are read.
    """
    added = [*wider(run, before, texts, growth.wider), *held_out(run, cleaned(run, growth.splits))]
    stored = [_stored(text) for text in texts]
    added, known = _without_trained(run, stored, added)
    scored = [text for text in (*stored, *added) if not text.trained]
    added, found = without_leaks(run, added, scored)
    joined = [_with_all_cells(text) for text in added if text.added]
    joined = selected(run, joined) if joined else []
    now = {text.name: _stored(text) for text in joined}
    new = selected(
        run, [text for text in added if not text.added], [now.get(text.name, text) for text in stored]
    )
    return Grown(texts, [*joined, *new], summed(found, known))


def _stored(text: SplitText) -> SplitText:
    return replace(text, pieces=tuple(piece.stored for piece in text.pieces), added=())


def _with_all_cells(text: SplitText) -> SplitText:
    """Return a text whose new cells alone were searched with the old ones beside them again."""
    return replace(text, pieces=tuple(replace(piece, part=replace(piece.part, cells=None)) for piece in text.pieces))


def _without_trained(
    run: Run, stored: Sequence[SplitText], added: Sequence[SplitText]
) -> tuple[list[SplitText], Leaked]:
    """Return what is added without chosen held-out rows of which the store trains on a sentence, and what is reported.

    Raises UserError where other rows that are to be scored have such a sentence, unless these are merely reported.
    """
    read = [text for text in added if not text.trained and not _may_shrink(text)]
    known = leaked(searched(run, stored, read), read)
    if known and run.loaded.config.leakage == "remove":
        raise _is_trained_on(run, read, known)
    held = [text for text in added if _may_shrink(text)]
    results = searched(run, stored, held)
    if run.loaded.config.leakage != "remove":
        return list(added), summed(known, leaked(results, held))
    met = [result for result in results if result.record["leaked"]]
    tasks = [_cut(text, piece, met) for text in held for piece in text.pieces]
    left = iter(run.pool.run("leave out what is trained on", tasks) if met else ())
    return [_shrunk(text, left) if met and _may_shrink(text) else text for text in added], {}


def _may_shrink(text: SplitText) -> bool:
    """Tell whether a text was held out of a new corpus by number or share: its rows were chosen here, not named."""
    return not text.added and isinstance(text.corpus.holdout.get(text.split), int | float)


def _cut(text: SplitText, piece: Piece, met: Sequence[Result]) -> Task:
    content = without_met_content(piece.identity, [result.key for result in met])
    arguments = {"part": piece.part, "searched": [result.folder for result in met]}
    return WITHOUT_MET_STEP.task(str(text), content, arguments)


def _shrunk(text: SplitText, left: Iterator[Result]) -> SplitText:
    pieces = []
    for piece in text.pieces:
        result = next(left)
        text.ledger.rows(rejected={TRAINED_ON: result.record["rows"]})
        for language, count in result.record["languages"].items():
            text.ledger.sentences(language, rejected={TRAINED_ON: count})
        pieces.append(Piece(replace(piece.part, cells=result.folder / KEPT), (*piece.identity, result.key)))
    return replace(text, pieces=tuple(pieces))


def _is_trained_on(run: Run, scored: Sequence[SplitText], known: Leaked) -> UserError:
    name, languages = next(iter(known.items()))
    text = next(text for text in scored if str(text) == name)
    cells = ", ".join(f"{sum(kinds.values()):,} of {language}" for language, kinds in languages.items())
    more = f", and so do some of {len(known) - 1} other splits" if len(known) > 1 else ""
    return UserError(
        f"{run.loaded.where('corpora', text.number)}: sentences of split {text.split!r} of corpus {text.corpus.name!r} "
        f"stand in the training text that the store has ({cells}){more}; take them out of it, or give --overwrite, "
        "which prepares everything again and takes them out of training"
    )
