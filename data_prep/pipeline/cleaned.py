"""Files to cleaned chunks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_prep.account import Ledger
from data_prep.cleaning.cleaner import Cleaner
from data_prep.cleaning.identifiers import identifier
from data_prep.cleaning.language import Language
from data_prep.config_file import ConfigFile
from data_prep.corpus_settings import TRAIN, CldrCorpus, CorpusSplit
from data_prep.engine.task import Result, Task, digest_of
from data_prep.pipeline.emptied import check_files
from data_prep.pipeline.texts import EmptyFile, Piece, Run, SplitText
from data_prep.readers.source import Source
from data_prep.stages.clean import CLEAN, CLEAN_STEP, NOTHING_LEFT, cleaning_content
from data_prep.stages.part import Part
from data_prep.stages.read import chunk_name, read_task
from mtdeep.errors import UserError

Read = tuple[SplitText, Source, Result]
"""A source of a split, and what was read of it."""


def check_rules(loaded: ConfigFile) -> None:
    """Raise UserError for rules that contradict one another, and for an identifier of languages that cannot be had."""
    if not loaded.cleaning.model_fields_set:
        return
    sources = [(corpus, codes) for corpus, split, codes in loaded.languages() if corpus.clean and split == TRAIN]
    try:
        for corpus, languages in sources:
            for resolved in Cleaner(loaded.cleaning, corpus.entry, languages).resolved.values():
                rule = resolved.rules["language"]
                if isinstance(rule, Language) and rule.enabled and rule.identifier != Language().identifier:
                    identifier(rule.identifier, rule.model)
    except UserError as error:
        raise UserError(f"{loaded.where('cleaning')}: {error}") from error


def readings(run: Run, wanted: Collection[CorpusSplit] | None = None) -> list[Read]:
    """Return the sources of every split that is read, or of those *wanted*. Raises UserError as they do."""
    read = [
        (SplitText(number, corpus, split), source)
        for number, corpus, split, source in run.loaded.sources()
        if wanted is None or (corpus.name, split) in wanted
    ]
    results = run.pool.run("read", [_reading(run, text, source) for text, source in read])
    return [(text, source, result) for (text, source), result in zip(read, results, strict=True)]


def cleaned(run: Run, wanted: Collection[CorpusSplit] | None = None) -> list[SplitText]:
    """Return the splits of `readings`, cleaned where they are for training.

    Of `emptied: stop`, raises UserError for a file in which nothing is.
    """
    every = readings(run, wanted)
    check_files(run, every)
    tasks = [task for text, source, result in every for task in _cleaning(run, text, source, result)]
    done = iter(run.pool.run("clean", tasks))
    texts: dict[tuple[str, str], SplitText] = {}
    for text, source, result in every:
        before = texts.get(text.name, text)
        texts[text.name] = _with_source(run, before, source, result, done)
    return list(texts.values())


def _reading(run: Run, text: SplitText, source: Source) -> Task:
    # The phrases of CLDR are made from what the configuration says: its place is what a person can mend.
    place = run.loaded.where("corpora", text.number, "lines") if isinstance(text.corpus, CldrCorpus) else ""
    return replace(read_task(str(text), source, run.digests), place=place)


def _cleaning(run: Run, text: SplitText, source: Source, read: Result) -> Iterator[Task]:
    """Yield the tasks of cleaning the chunks of a source."""
    normalization, languages = _normalization(run), tuple(source.languages)
    rule = run.digests[normalization] if isinstance(normalization, Path) else normalization
    cleaner = Cleaner(run.loaded.cleaning, text.corpus.entry, languages) if text.cleaned else None
    rules = None if cleaner is None else _digest(run, cleaner)
    arguments = {"cleaner": cleaner, "normalization": normalization, "languages": languages}
    for chunk in range(len(read.record["rows"])):
        of_chunk = {"chunk": read.folder / chunk_name(chunk), "first": sum(read.record["rows"][:chunk])}
        content = cleaning_content(read.key, chunk, rules, rule)
        libraries = cleaner.libraries if cleaner else ()
        yield CLEAN_STEP.task(f"{text}, chunk {chunk}", content, arguments | of_chunk, libraries=libraries)


def _digest(run: Run, cleaner: Cleaner) -> str:
    return digest_of([cleaner.decided(), [run.digests[Path(file)] for file in cleaner.files]])


def _normalization(run: Run) -> str | Path:
    """Return the rule's name, or the file of the vocabulary that is given, which has its own rule."""
    vocabulary = run.loaded.config.vocabulary
    return run.loaded.resolved(vocabulary.model) if vocabulary.model else vocabulary.normalization


def _with_source(run: Run, text: SplitText, source: Source, read: Result, done: Iterator[Result]) -> SplitText:
    """Return *text* with a source more: its chunks are the next of *done*, and what was lost is entered."""
    chunks = [next(done) for _ in read.record["rows"]]
    why = read.record["nothing"]
    rank = text.number if run.loaded.config.deduplication.keep == "first" else 0
    pieces = (Piece(Part(one.folder / CLEAN, tuple(source.languages), rank=rank), (one.key,)) for one in chunks)
    rejected = read.record["rejected"]
    text.ledger.rows(read=sum(rejected.values()), rejected=rejected)
    enter_unread(text.ledger, read.record, source.languages)
    for one, rows in zip(chunks, read.record["rows"], strict=True):
        text.ledger.rows(read=rows, rejected=one.record["rejected"])
        enter_sentences(text.ledger, one.record, source.languages)
    return replace(
        text,
        pieces=(*text.pieces, *pieces),
        readings=(*text.readings, read.record),
        empty=text.empty if why is None else (*text.empty, _empty_file(run, source, why)),
        cleanings=(*text.cleanings, *(one.record for one in chunks)),
    )


def _empty_file(run: Run, source: Source, why: str) -> EmptyFile:
    path, folder = source.inputs[0], run.loaded.path.parent
    return EmptyFile(path, str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name, why)


def enter_unread(ledger: Ledger, record: Mapping[str, Any], languages: Sequence[str]) -> None:
    """Enter the sentences in some languages that could not be read of a source, in rows that stay for their others."""
    for language in languages:
        rejected = record["rejected_texts"].get(language, {})
        ledger.sentences(language, read=sum(rejected.values()), rejected=rejected)


def enter_sentences(ledger: Ledger, record: Mapping[str, Any], languages: Sequence[str]) -> None:
    """Enter what cleaning says of a chunk's sentences in some languages: how many were read, and why some are lost."""
    for language in languages:
        counts, vanished = record["record"]["languages"][language], record["vanished"][language]
        rejected = {**counts["rejected"], NOTHING_LEFT: vanished}
        ledger.sentences(language, read=counts["read"] + vanished, rejected=rejected)
