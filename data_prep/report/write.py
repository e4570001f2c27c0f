"""The report's files: in the folder `report` of a store, or once it has grown in one of that, named by how often."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_prep.report.card import card
from data_prep.report.gathered import FORMAT, VERSION
from mtdeep.corpus.corpus_writer import CorpusWriter
from mtdeep.corpus.manifest import REPORT
from mtdeep.corpus.store import Store
from mtdeep.errors import UserError

_PAGE, _NUMBERS = "index.html", "report.json"


def add_report(writer: CorpusWriter, report: Mapping[str, Any]) -> None:
    """Put page, JSON, picture and card of a report (`gathered`) into the store."""
    from data_prep.report.page import page  # Jinja and Matplotlib, for runs that come to their end
    from data_prep.report.pictures import draw_lengths, draw_pairs

    pairs = draw_pairs(report["pairs"]["languages"], report["pairs"]["matrix"])
    lengths = draw_lengths(report["lengths"]["edges"], report["lengths"]["languages"])
    text = json.dumps(report, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    folder = f"{REPORT}/{report['grown']}" if report["grown"] else REPORT
    writer.add_file(f"{folder}/{_PAGE}", page(report, pairs, lengths).encode())
    writer.add_file(f"{folder}/{_NUMBERS}", text.encode())
    writer.add_file(f"{folder}/languages.png", pairs)
    writer.add_file(f"{folder}/card.md", card(report).encode())


def page_of(store: Store) -> Path | None:
    """Return where the page of a store's report is; None where the store has none."""
    return _file(store, _PAGE)


def notes_of(store: Store) -> list[str]:
    """Return what a store's report finds worth a look."""
    path = _file(store, _NUMBERS)
    found: list[str] = json.loads(path.read_text(encoding="utf-8"))["notes"] if path else []
    return found


def sections_of(store: Store) -> list[dict[str, Any]]:
    """Return what a store's report says of its splits. Raises UserError where it has none of this version."""
    path = _file(store, _NUMBERS)
    report = json.loads(path.read_text(encoding="utf-8")) if path else {}
    if (report.get("format"), report.get("version")) != (FORMAT, VERSION):
        raise UserError(f"{store.path}: has no report of this version that could be continued; give --overwrite")
    sections: list[dict[str, Any]] = report["splits"]
    return sections


def _file(store: Store, name: str) -> Path | None:
    found = [file for file in store.manifest.files if file.startswith(f"{REPORT}/") and file.endswith(f"/{name}")]
    return store.path / found[0] if found else None
