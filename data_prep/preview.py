"""What cleaning would remove of the first rows of each corpus, with examples: to be looked at before a long run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data_prep.cleaning.cleaner import Cleaner
from data_prep.cleaning.record import LanguageRecord, Record, Sample, total
from data_prep.cleaning.settings import Resolved, table
from data_prep.config_file import ConfigFile, load_config
from data_prep.corpus_settings import TRAIN
from data_prep.pipeline.cleaned import check_rules
from data_prep.public.fetch import fetch
from data_prep.readers.source import Source
from data_prep.stages.read import ROWS
from mtdeep.progress import ProgressReport

_EXAMPLES = 3
_WIDTH_OF_A_LOG = 160


@dataclass(frozen=True)
class Preview:
    """Of one source: what holds for each of its languages, what that did to its first rows, and why some are none."""

    corpus: str
    resolved: tuple[Resolved, ...]
    record: Record
    rejected: Mapping[str, int]


def previews(loaded: ConfigFile, rows: int) -> Iterator[Preview]:
    """Yield one for each source of training text that is cleaned. Raises UserError for what cannot be read."""
    for _, corpus, split, source in loaded.sources():
        if corpus.clean and split == TRAIN:
            cleaner = Cleaner(loaded.config.cleaning, corpus.entry, source.languages)
            yield Preview(corpus.name, tuple(cleaner.resolved.values()), *_records(source, cleaner, rows))


def print_preview(path: Path, rows: int) -> None:
    """Print the settings as they are resolved, and for each rule how much it removes, with examples."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_OF_A_LOG)
    shown = False
    loaded = load_config(path)
    check_rules(loaded)
    with ProgressReport() as progress:
        fetch(loaded.public_corpora(), progress)
    for preview in previews(loaded, rows):
        shown = True
        record, rejected = preview.record, preview.rejected
        read = record.rows_read + sum(rejected.values())
        console.rule(escape(f"{preview.corpus}: {read:,} rows read, {record.rows_kept:,} kept"))
        for reason, count in rejected.items():
            console.print(escape(f"rows rejected by the reader: {count:,} {reason}"))
        console.print(_settings(preview))
        console.print(_removed(record))
    if not shown:
        console.print("no corpus is cleaned (`clean: false`, or no split train)")


def _records(source: Source, cleaner: Cleaner, rows: int) -> tuple[Record, Mapping[str, int]]:
    """Return what was done to the first rows, and how many of them the reader rejected, by reason."""
    records = []
    rejected: Counter[str] = Counter()
    left = rows
    for batch in source.batches(min(ROWS, rows)):
        records.append(cleaner(batch).record)
        rejected.update(lost.reason for lost in batch.rejected)
        left -= batch.rows + len(batch.rejected)
        if left <= 0:
            break
    return total(records), rejected


def _settings(preview: Preview) -> Table:
    found = Table(title="Settings", title_justify="left")
    for column in ("key", "value", "said by", "languages"):
        found.add_column(column)
    for row in table(preview.resolved):
        found.add_row(*map(escape, row))
    return found


def _removed(record: Record) -> Table:
    found = Table(title="What is removed", title_justify="left")
    for column in ("language", "reason", "sentences", "share", "score", "example", "beside"):
        found.add_column(column, justify="right" if column in ("sentences", "share", "score") else "left")
    for language, counts in record.languages.items():
        for reason, sentences in sorted(counts.rejected.items(), key=lambda item: -item[1]):
            _add(found, language, reason, sentences, counts)
    return found


def _add(found: Table, language: str, reason: str, sentences: int, counts: LanguageRecord) -> None:
    head = [language, reason, f"{sentences:,}", f"{sentences / counts.read:.2%}"]
    for sample in counts.samples[reason][:_EXAMPLES]:  # what is rejected has a sample
        found.add_row(*head, *_shown(sample))
        head = [""] * len(head)


def _shown(sample: Sample) -> tuple[str, str, str]:
    score = "" if sample.score is None else f"{sample.score:.3g}"
    return score, escape(sample.text), escape(" ".join(sample.beside.values()))
