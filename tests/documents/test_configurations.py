"""Configurations in YAML that the pages print: read by what reads a user's."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown import PAGES, Code, code_of

from data_prep.config_file import load_config

#: Blocks that other tests read: the page, the beginning of the block, and where.
ELSEWHERE = {
    ("README.md", "store: store"): "test_commands.py: mtdeep prepare mine.yaml",
    ("docs/corpora.md", "store: stores/web"): "test_commands.py: mtdeep prepare corpora.yaml",
    ("docs/training.md", "# @package _group_"): "test_commands.py: fairseq-hydra-train",
    ("docs/readers.md", "  - name: mined"): "tests/data_prep/readers/test_documented.py",
}
#: Blocks that are a part of a configuration: what stands before and behind them.
HEAD = "store: store\nvocabulary: {size: 100}\n"
AROUND = {
    ("docs/cleaning.md", "cleaning:"): (
        HEAD,
        "corpora:\n"
        "  - {name: software, reader: plain_text, languages: [en, zh-Hant], splits: {train: 'a.{language}'}}\n"
        "  - {name: web, reader: plain_text, languages: [sr, yo], splits: {train: 'a.{language}'}}\n",
    ),
    ("docs/corpora.md", "  - name: books"): (f"{HEAD}corpora:\n", ""),
}
BLOCKS = [code for page in PAGES for code in code_of(page) if code.kind == "yaml"]


def begins(block: Code, page: str, start: str) -> bool:
    return block.page == page and block.text.startswith(start)


def test_every_block_is_read_by_a_test() -> None:
    known = [*ELSEWHERE, *AROUND]
    assert [sum(begins(block, *key) for key in known) for block in BLOCKS] == [1] * len(BLOCKS)
    assert [sum(begins(block, *key) for block in BLOCKS) for key in known] == [1] * len(known)


@pytest.mark.parametrize(("page", "start"), AROUND)
def test_a_part_of_a_configuration_is_read(page: str, start: str, tmp_path: Path) -> None:
    (block,) = (block for block in BLOCKS if begins(block, page, start))
    before, behind = AROUND[page, start]
    for language in ("en", "zh-Hant", "sr", "yo"):
        (tmp_path / f"a.{language}").write_text("a\n")
    (tmp_path / "mine.yaml").write_text(before + block.text + behind)
    assert load_config(tmp_path / "mine.yaml").corpora
