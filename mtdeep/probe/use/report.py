"""Examine one or several checkpoints and write it all down.

Files, in the output folder: `use/NAME.json`, written after each stage of a checkpoint, from which a run that was killed
goes on; `use.json`, all of them; `use.html`, a page that needs no other file; and its pictures as PNG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtdeep.durable import sync_directory
from mtdeep.probe.candidates import Candidate, check_names
from mtdeep.probe.data import Data, batches_of
from mtdeep.probe.page import render
from mtdeep.probe.records import Record, file_name, key_of, versions, write_json
from mtdeep.probe.sweep import Progress
from mtdeep.probe.use import pictures, table
from mtdeep.probe.use.examine import MOST, examine

BATCHES = 4
USE, PAGE, STAGES = "use.json", "use.html", "use"
_REVISION = 1  # goes up when a record's fields or what they mean change


@dataclass(frozen=True)
class Use:
    """The records of all checkpoints, and the files that hold them."""

    records: list[Record]
    files: tuple[Path, ...]


def probe_use(
    candidates: Sequence[Candidate],
    data: Data,
    output: Path,
    *,
    batch_tokens: int,
    seed: int,
    progress: Progress = lambda what, done, total: None,
) -> Use:
    """Examine every candidate, each of which has a checkpoint, on the first `BATCHES` batches that *seed* draws.

    Raises UserError when a name is given twice, and as `batches_of` does; then nothing has been written.
    """
    check_names(candidates)
    texts = batches_of(candidates, data, BATCHES, tokens=batch_tokens, seed=seed)
    settings = {"batches": BATCHES, "batch_tokens": batch_tokens, "seed": seed, "most": MOST}
    (output / STAGES).mkdir(parents=True, exist_ok=True)
    records = []
    for candidate, batches in zip(candidates, texts, strict=True):
        key = key_of(_REVISION, candidate.identity(), settings, data.describe())
        path = output / STAGES / f"{file_name(candidate.name)}.json"
        records.append(examine(candidate, batches, path, key, progress))
    made_with = versions()
    how = {"versions": made_with, "settings": settings, "data": data.describe()}
    write_json(output / USE, {**how, "checkpoints": records})
    drawn = pictures.draw_all(records, output)
    render(
        output / PAGE,
        "use/page.html",
        drawn,
        about=table.about(records, settings, data.describe()),
        columns=table.COLUMNS,
        legend=table.LEGEND,
        rows=[row for record in records for row in table.rows(record)],
        findings=[{"name": record["name"], "sentences": table.sentences(record)} for record in records],
        versions=made_with,
        json=USE,
    )
    sync_directory(output)
    return Use(records, (output / PAGE, output / USE, *(picture.path for picture in drawn)))
