"""Splits, corpora and languages of which nothing is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from data_prep.engine.task import Result
from data_prep.pipeline.texts import Run, SplitText, mended, most_sentences
from data_prep.readers.source import Source
from mtdeep.errors import UserError, shortened

_FILES = 3


def check_files(run: Run, read: Sequence[tuple[SplitText, Source, Result]]) -> None:
    """Raise UserError, of `emptied: stop`, for the first source in which nothing is; else the report's notes say so."""
    if run.loaded.config.emptied == "stop":
        for _, source, result in read:
            if why := result.record["nothing"]:
                raise UserError(f"{source.inputs[0]}: {why}; or say `emptied: warn`")


def check_not_empty(run: Run, texts: Sequence[SplitText], before: Sequence[SplitText]) -> None:
    """Raise UserError when nothing is left of a split in any corpus, those of the store *before* among them.

    Of `emptied: stop`, also when nothing is left of a split of one corpus, of all its pairs where it has many, and
    when a language has no sentence any more; otherwise the report's notes say so.
    """
    there = {text.split for text in (*before, *texts) if text.added or text.ledger.account().rows.kept}
    for split in dict.fromkeys(text.split for text in texts):
        if split not in there:
            raise _nothing_left(run, [text for text in texts if text.split == split])
    if run.loaded.config.emptied == "stop":
        _check_each(run, texts, before)


def _check_each(run: Run, texts: Sequence[SplitText], before: Sequence[SplitText]) -> None:
    of_split: dict[tuple[str, str], list[SplitText]] = {}
    for text in texts:
        of_split.setdefault((text.corpus.entry, text.split), []).append(text)
    there = {(text.corpus.entry, text.split) for text in (*before, *texts) if text.ledger.account().rows.kept}
    for split, every in of_split.items():
        if split not in there:
            raise _nothing_left(run, every)
    left = Counter[str]()
    for text in (*before, *texts):
        left.update({language: tally.kept for language, tally in text.ledger.account().languages.items()})
    for text in texts:
        languages = text.ledger.account().languages
        if gone := [language for language, tally in languages.items() if tally.read and not left[language]]:
            raise UserError(
                f"{_place(run, text)}: no sentence is left of {shortened(gone)}{most_sentences([text])}; give other "
                f"files, clean them less, or say `emptied: warn`{mended([text])}"
            )


def _nothing_left(run: Run, texts: Sequence[SplitText]) -> UserError:
    """Return what to tell of a split of which all rows are rejected, in one or more corpora."""
    rows = [text.ledger.account().rows for text in texts]
    rejected = sum((Counter(tally.rejected) for tally in rows), Counter[str]())
    lost = ", ".join(f"{count:,} {reason}" for reason, count in rejected.items()) or "there were none"
    lost += most_sentences(texts)
    entries = list(dict.fromkeys(repr(text.corpus.entry) for text in texts))
    split = f"split {texts[0].split!r} of {'corpus' if len(entries) == 1 else 'corpora'} {shortened(entries)}"
    read = sum(tally.read for tally in rows)
    files = shortened(list(dict.fromkeys(f"{file.path}: {file.why}" for text in texts for file in text.empty)), _FILES)
    if files and not read:
        return UserError(f"{_place(run, texts[0])}: no row is in {split}: {files}")
    lost += f"; {files}" if files else ""
    return UserError(
        f"{_place(run, texts[0])}: nothing is left of the {read:,} rows of {split} ({lost}); "
        f"give other files, or clean them less{mended(texts)}"
    )


def _place(run: Run, text: SplitText) -> str:
    return run.loaded.where("corpora", text.number, "splits", text.split)
