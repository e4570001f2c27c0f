"""The reproduction that has no small size of its own, with what `replaced` makes smaller in its commands.

tests/scripts/test_reproductions.py runs the others with `--quick`.
"""

from __future__ import annotations

import gzip
import importlib
import re
from pathlib import Path

import pytest
import typer
from markdown import ROOT
from places import phrases, write
from replaced import shortened, smaller

REPRODUCE = ROOT / "scripts" / "reproduce"
QUICK = (ROOT / "tests" / "scripts" / "test_reproductions.py").read_text(encoding="utf-8")


def test_every_reproduction_is_run_in_a_small_size() -> None:
    pages = (path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reproductions").glob("*.md"))
    scripts = {name for page in pages for name in re.findall(r"python scripts/reproduce/(\w+)\.py", page)}
    assert {name for name in scripts if name not in QUICK} == {"multi30k"}


@pytest.mark.slow
def test_multi30k(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(REPRODUCE))
    recipe = importlib.import_module("multi30k")
    for file, split in {"train": "train", "val": "valid", "test_2016_flickr": "test"}.items():
        for language in ("en", "de", "fr"):
            compress, ending = (gzip.compress, ".gz") if file == "train" else (bytes, "")
            write(tmp_path / "data" / f"{file}.{language}{ending}", phrases(split)[language], compress)
    (tmp_path / "multi30k.yaml").write_text(smaller(recipe.CONFIG.read_text(encoding="utf-8")), encoding="utf-8")
    monkeypatch.setattr(recipe, "CONFIG", tmp_path / "multi30k.yaml")
    monkeypatch.setattr(recipe, "DOCS", tmp_path / "page")
    monkeypatch.setattr(recipe, "TRAINING", shortened(" ".join(recipe.TRAINING)).split())
    for models, directions in (("deepnet", r"\d+\.\d \| \d+\.\d"), ("preln,deepnet", r"(\d+\.\d \| ){3}\d+\.\d")):
        recipe.main(tmp_path / "data", tmp_path / "run", models)
        page = (tmp_path / "page" / "multi30k.md").read_text(encoding="utf-8")
        assert len(re.findall(rf"^\| \w\w-\w\w \| {directions} \| \d+\.\d \| \d\d\.\d \|$", page, re.M)) == 6
        assert ("- Pre-LN: not trained yet" in page) == (models == "deepnet")
    assert (tmp_path / "page" / "multi30k.png").exists()
    with pytest.raises(typer.BadParameter, match="no magneto; there are preln, deepnet"):
        recipe.main(tmp_path / "data", tmp_path / "run", "magneto")
