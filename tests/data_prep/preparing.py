"""Configurations of small stores, and their preparation in this process."""

from __future__ import annotations

import gzip
from pathlib import Path

from data_prep import prepare as preparation
from data_prep.prepare import Prepared

GENERATED = """\
store: {store}
seed: 5
vocabulary: {{size: 320, character_coverage: 1.0, normalization: identity}}
corpora:
  - name: phrases
    reader: cldr
    languages: [en, de, zh_CN]
    lines: {{train: {lines}, valid: 10, test: 10}}
    entities: 10
"""

PLAIN = """\
store: store
vocabulary: {size: 32}
corpora:
  - name: talks
    reader: plain_text
    clean: false
    languages: [en, de, fr]
    splits: {train: "train.{language}.gz"}
    holdout: {valid: 5, test: 10}
  - name: manuals
    reader: plain_text
    clean: false
    splits:
      train: {en: manual.en, de: manual.de}
"""


def prepare(config: Path, *, overwrite: bool = False) -> Prepared:
    """Prepare in this process."""
    return preparation.prepare(config, None, overwrite=overwrite)


def generated(folder: Path, store: str = "store", lines: int = 150) -> Path:
    path = folder / f"{store}.yaml"
    path.write_text(GENERATED.format(store=store, lines=lines))
    return path


def plain(folder: Path) -> Path:
    for language in ("en", "de", "fr"):
        lines = [f"{language} sentence number {i} of talk {i % 7}" if i % 10 else "" for i in range(200)]
        text = "".join(line + "\n" for line in lines).encode()
        (folder / f"train.{language}.gz").write_bytes(gzip.compress(text, mtime=0))
    (folder / "manual.en").write_text("press the red button\n\nlift the lid\n")
    (folder / "manual.de").write_text("roten Knopf drücken\nallein\nDeckel heben\n", encoding="utf-8")
    path = folder / "config.yaml"
    path.write_text(PLAIN)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
