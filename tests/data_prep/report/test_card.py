"""The data card: Markdown whose tables no corpus can break."""

from __future__ import annotations

import re
from typing import Any

import yaml

from data_prep.config import Config
from data_prep.report.card import card
from data_prep.report.settings import settings_section
from mtdeep.corpus.store import Store


def test_it_says_what_the_store_is_made_of(store: Store, report: dict[str, Any]) -> None:
    text = (store.path / "report" / "card.md").read_text(encoding="utf-8")
    assert text == card(report)
    for file in report["card"]["files"]:
        assert file["xxh3_128"] in text
    assert "| talks | train | human | CC BY 4.0 | https://example.org/talks?a=1\\&b=2 |" in text
    assert "are removed from the training text" in text and "| talks, dev | 1 | 0 |" in text
    settings = "".join(line[4:] + "\n" for line in text.splitlines() if line.startswith("    "))
    assert yaml.safe_load(settings) == report["card"]["settings"]


def test_every_row_has_the_cells_of_its_head(store: Store) -> None:
    text = (store.path / "report" / "card.md").read_text(encoding="utf-8")
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert len(tables) == 3
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1
    assert "mined \\<b\\>\\|x\\|\\</b\\> \\*y\\*" in text
    assert "\\<img src=x onerror=alert(1)\\>" in text


def test_absolute_paths_are_names() -> None:
    given = {
        "store": "/elsewhere/store",
        "work": "/scratch/work",
        "vocabulary": {"model": "/elsewhere/m.model"},
        "corpora": [{"name": "a", "reader": "plain_text", "splits": {"train": {"en": "/data/a.en", "de": "b/a.de"}}}],
    }
    said = settings_section(Config.model_validate(given))
    assert said["vocabulary"]["model"] == "m.model"
    assert said["corpora"][0]["splits"]["train"] == {"en": "a.en", "de": "b/a.de"}
    assert "store" not in said and "work" not in said
