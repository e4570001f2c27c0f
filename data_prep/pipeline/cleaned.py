"""Files to cleaned chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_prep.account import Ledger
from data_prep.cleaning.cleaner import Cleaner
from data_prep.cleaning.identifiers import identifier
from data_prep.cleaning.language import Language
from data_prep.config import TRAIN, CldrCorpus
from data_prep.config_file import ConfigFile
from data_prep.engine.task import Result, Task
from data_prep.pipeline.texts import Piece, Run, SplitText
from data_prep.readers.source import Source
from data_prep.stages.clean import CLEAN, NOTHING_LEFT, clean, cleaning_content
from data_prep.stages.part import Part
from data_prep.stages.read import chunk_name, read_task
from mtdeep.errors import UserError


def check_rules(loaded: ConfigFile) -> None:
    """Raise UserError for rules that contradict one another, and for an identifier of languages that cannot be had."""
    config = loaded.config
    if not config.cleaning.model_fields_set:
        return
    sources = [
        (corpus.name, source)
        for corpus in config.corpora
        if corpus.clean and TRAIN in corpus.split_names
        for source in corpus.sources(TRAIN, loaded.resolved, config.seed)
    ]
    try:
        for name, source in sources:
            for resolved in Cleaner(config.cleaning, name, source.languages).resolved.values():
                rule = resolved.rules["language"]
                if isinstance(rule, Language) and rule.enabled and rule.identifier != Language().identifier:
                    identifier(rule.identifier, rule.model)
    except UserError as error:
        raise UserError(f"{loaded.where('cleaning')}: {error}") from error


def cleaned(run: Run) -> list[SplitText]:
    """Return every split that is read, cleaned where it is for training. Raises UserError for what cannot be read."""
    config = run.loaded.config
    read = [
        (SplitText(number, corpus, split), source)
        for number, corpus in enumerate(config.corpora)
        for split in corpus.split_names
        if split not in corpus.holdout
        for source in corpus.sources(split, run.loaded.resolved, config.seed)
    ]
    results = run.pool.run("read", [_reading(run, text, source) for text, source in read])
    every = list(zip(read, results, strict=True))
    tasks = [
        _cleaning(run, text, source, result, chunk)
        for (text, source), result in every
        for chunk in range(len(result.record["rows"]))
    ]
    done = iter(run.pool.run("clean", tasks))
    texts: dict[tuple[int, str], SplitText] = {}
    for (text, source), result in every:
        before = texts.get((text.number, text.split), text)
        texts[text.number, text.split] = _with_source(run, before, source, result, done)
    return list(texts.values())


def _reading(run: Run, text: SplitText, source: Source) -> Task:
    # The phrases of CLDR are made from what the configuration says: its place is what a person can mend.
    place = run.loaded.where("corpora", text.number, "lines") if isinstance(text.corpus, CldrCorpus) else ""
    return replace(read_task(str(text), source, run.digests), place=place)


def _cleaning(run: Run, text: SplitText, source: Source, read: Result, chunk: int) -> Task:
    config = run.loaded.config
    settings = config.cleaning.model_dump_json(exclude_unset=True) if text.cleaned else None
    corpus, normalization = text.corpus.name, _normalization(run)
    arguments = {
        "corpus": corpus,
        "settings": settings,
        "normalization": normalization,
        "chunk": read.folder / chunk_name(chunk),
        "first": sum(read.record["rows"][:chunk]),
        "languages": tuple(source.languages),
    }
    rule = run.digests[normalization] if isinstance(normalization, Path) else normalization
    content = cleaning_content(read.key, chunk, corpus, settings, rule)
    return Task("clean", f"{text}, chunk {chunk}", clean, content, arguments)


def _normalization(run: Run) -> str | Path:
    """Return the rule's name, or the file of the vocabulary that is given, which has its own rule."""
    vocabulary = run.loaded.config.vocabulary
    return run.loaded.resolved(vocabulary.model) if vocabulary.model else vocabulary.normalization


def _with_source(run: Run, text: SplitText, source: Source, read: Result, done: Iterator[Result]) -> SplitText:
    """Return *text* with a source more: its chunks are the next of *done*, and what was lost is entered."""
    chunks = [next(done) for _ in read.record["rows"]]
    rank = text.number if run.loaded.config.deduplication.keep == "first" else 0
    pieces = (Piece(Part(one.folder / CLEAN, tuple(source.languages), rank=rank), (one.key,)) for one in chunks)
    rejected = read.record["rejected"]
    text.ledger.rows(read=sum(rejected.values()), rejected=rejected)
    for one, rows in zip(chunks, read.record["rows"], strict=True):
        text.ledger.rows(read=rows, rejected=one.record["rejected"])
        _enter_sentences(text.ledger, one.record)
    return replace(
        text,
        pieces=(*text.pieces, *pieces),
        readings=(*text.readings, read.record),
        cleanings=(*text.cleanings, *(one.record for one in chunks)),
    )


def _enter_sentences(ledger: Ledger, record: Mapping[str, Any]) -> None:
    for language, counts in record["record"]["languages"].items():
        vanished = record["vanished"][language]
        rejected = {**counts["rejected"], NOTHING_LEFT: vanished}
        ledger.sentences(language, read=counts["read"] + vanished, rejected=rejected)
