"""What cleaning would remove of the first rows of each corpus, with examples: to be looked at before a long run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data_prep.cleaning.cleaner import Cleaner
from data_prep.cleaning.record import Record, Sample, total
from data_prep.cleaning.settings import BUILT_IN, Resolved, Row, table
from data_prep.config_file import ConfigFile, load_config
from data_prep.corpus_settings import TRAIN
from data_prep.pipeline.cleaned import check_rules
from data_prep.public.fetch import fetch
from data_prep.readers.source import Source
from data_prep.report.unread import Unread, unread_sentences
from data_prep.report.visible import visible
from data_prep.stages.read import ROWS
from mtdeep.errors import shortened
from mtdeep.progress import ProgressReport

_EXAMPLES = 3
_WIDTH_OF_A_LOG = 160


@dataclass(frozen=True)
class Preview:
    """Of one source: what holds for each of its languages, what that did to its first rows, and why some are none.

    What holds names files as the configuration does. unread: rows that the reader rejected, and of
    each language the sentences that it rejected in rows that stay.
    """

    corpus: str
    resolved: tuple[Resolved, ...]
    record: Record
    unread: tuple[Unread, ...]


def previews(loaded: ConfigFile, rows: int) -> Iterator[Preview]:
    """Yield one for each source of training text that is cleaned. Raises UserError for what cannot be read."""
    for _, corpus, split, source in loaded.sources():
        if corpus.clean and split == TRAIN:
            written = Cleaner(loaded.config.cleaning, corpus.entry, source.languages)
            cleaner = Cleaner(loaded.cleaning, corpus.entry, source.languages)
            yield Preview(corpus.name, tuple(written.resolved.values()), *_records(source, cleaner, rows))


def print_preview(path: Path, rows: int) -> None:
    """Print what was set of the rules, how much each of them removes of each corpus, with examples, and what is unsaid.

    Settings are printed where they are met first.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_OF_A_LOG)

    def write(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    loaded = load_config(path)
    check_rules(loaded)
    with ProgressReport() as progress:
        fetch(loaded.public_corpora(), progress)
    met: dict[tuple[Row, ...], str] = {}
    for preview in previews(loaded, rows):
        record = preview.record
        console.rule(escape(f"{preview.corpus}: {preview.unread[0].read:,} rows read, {record.rows_kept:,} kept"))
        for much in (True, False):
            for line in unread_sentences(preview.unread, preview.corpus, much=much):
                write(line)
        changed = tuple(row for row in table(preview.resolved) if row[2] != BUILT_IN)
        if changed in met:
            write(f"settings: those of {met[changed]}")
        else:
            met[changed] = preview.corpus
            if changed:
                console.print(_settings(changed))
            write(f"all {'other ' if changed else ''}settings: {BUILT_IN} (docs/cleaning.md)")
        for line in _removed(record):
            write(line)
    for line in loaded.left_out:
        write(line)
    if not met:
        write("no corpus is cleaned (`clean: false`, or no split train)")
    if left_out := _left_out(loaded):
        write(f"left out, since test sets and corpora with `clean: false` are not cleaned: {shortened(left_out, 20)}")
    write("no part of a sample, since they need all rows: repeats, sentences of test sets in training text, hold-outs")


def _left_out(loaded: ConfigFile) -> list[str]:
    """Return the corpora and splits that have no preview, each once."""
    left_out = (
        f"{corpus.name} ({split})" for _, corpus, split, _ in loaded.sources() if not (corpus.clean and split == TRAIN)
    )
    return list(dict.fromkeys(left_out))


def _records(source: Source, cleaner: Cleaner, rows: int) -> tuple[Record, tuple[Unread, ...]]:
    """Return what was done to the first rows, and what of them could not be read: rows, then texts by language."""
    records = []
    rejected: Counter[str] = Counter()
    texts: dict[str, Counter[str]] = {language: Counter() for language in source.languages}
    left = rows
    for batch in source.batches(min(ROWS, rows)):
        records.append(cleaner(batch).record)
        rejected.update(row.reason for row in batch.rejected)
        for text in batch.rejected_texts:
            texts[text.language][text.reason] += 1
        left -= batch.rows + len(batch.rejected)
        if left <= 0:
            break
    record = total(records)
    of_texts = (Unread(record.languages[code].read + lost.total(), lost, code) for code, lost in texts.items())
    return record, (Unread(record.rows_read + rejected.total(), rejected), *of_texts)


def _settings(changed: Sequence[Row]) -> Table:
    found = Table(title="Settings", title_justify="left")
    for column in ("key", "value", "said by", "languages"):
        found.add_column(column)
    for row in changed:
        found.add_row(*map(escape, row))
    return found


def _removed(record: Record) -> Iterator[str]:
    """Yield the lines of what is removed, for each language and reason a line, and one for each example."""
    if not any(counts.rejected for counts in record.languages.values()):
        yield "nothing is removed"
    for language, counts in record.languages.items():
        for reason, sentences in sorted(counts.rejected.items(), key=lambda item: -item[1]):
            yield f"{language}, {reason}: {sentences:,} of {counts.read:,} sentences ({sentences / counts.read:.2%})"
            for sample in counts.samples[reason][:_EXAMPLES]:  # what is rejected has a sample
                yield from _shown(sample)


def _shown(sample: Sample) -> Iterator[str]:
    score = "" if sample.score is None else f"score {sample.score:.3g}: "
    yield f"    {score}{visible(sample.text)}"
    for language, text in sample.beside.items():
        yield f"        beside {language}: {visible(text)}"
