"""No reader holds more than a batch and a block, however large the file."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from data_prep.readers.jsonl import Jsonl
from data_prep.readers.plain_text import PlainText
from data_prep.readers.source import Source
from data_prep.readers.tmx import Tmx
from data_prep.readers.tsv import Tsv

LINE = "x" * 4_000
LINES = 2_000  # 8 MB
FORMATS: Mapping[str, tuple[str, str, str, Callable[[Path], Source]]] = {
    "plain text": ("", LINE + "\n", "", lambda path: PlainText({"en": path})),
    "TSV": ("", LINE + "\n", "", lambda path: Tsv(path, {"en": 1})),
    "JSON lines": ("", json.dumps({"en": LINE}) + "\n", "", lambda path: Jsonl(path, {"en": "en"})),
    "TMX": (
        "<tmx>",
        f'<tu><tuv lang="en"><seg>{LINE}</seg></tuv></tu>\n',
        "</tmx>",
        lambda path: Tmx(path, ("en",)),
    ),
    "rejected rows": ("", "\0" + LINE + "\n", "", lambda path: Jsonl(path, {"en": "en"})),
    "one TMX unit": ("<tmx><tu>", LINE + "\n", "</tu></tmx>", lambda path: Tmx(path, ("en",))),
    "one line": ("", LINE, "", lambda path: PlainText({"en": path})),
}


@pytest.mark.parametrize("name", FORMATS)
def test_memory(tmp_path: Path, name: str) -> None:
    before, line, after, source = FORMATS[name]
    path = tmp_path / "a"
    path.write_text(before + line * LINES + after)
    reader = source(path)
    tracemalloc.start()
    try:
        read = sum(batch.rows + len(batch.rejected) for batch in reader.batches(100))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read == (1 if name.startswith("one") else LINES)
    assert peak < 5 << 20 < path.stat().st_size
