"""The report's files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from data_prep.report.card import card
from mtdeep.corpus.manifest import REPORT
from mtdeep.corpus.store_writer import StoreWriter

PAGE = f"{REPORT}/index.html"


def add_report(writer: StoreWriter, report: Mapping[str, Any]) -> None:
    """Put page, JSON, picture and card of a report (`gathered`) into the store."""
    from data_prep.report.page import page  # Jinja and Matplotlib, for runs that come to their end
    from data_prep.report.pictures import draw_lengths, draw_pairs

    pairs = draw_pairs(report["pairs"]["languages"], report["pairs"]["matrix"])
    lengths = draw_lengths(report["lengths"]["edges"], report["lengths"]["languages"])
    text = json.dumps(report, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    writer.add_file(PAGE, page(report, pairs, lengths).encode())
    writer.add_file(f"{REPORT}/report.json", text.encode())
    writer.add_file(f"{REPORT}/languages.png", pairs)
    writer.add_file(f"{REPORT}/card.md", card(report).encode())
