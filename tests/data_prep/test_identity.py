"""What a step of a store says of its inputs: the next preparation knows by it which splits the step had."""

from __future__ import annotations

from pathlib import Path

from data_prep.config_file import load_config
from data_prep.identity import Identity, identify
from mtdeep.progress import ProgressReport

TALKS = """\
store: store
vocabulary: {size: 32}
corpora:
  - {name: talks, reader: plain_text, languages: [de, en], splits: {train: "opus/de-en.{language}"}}
"""
OPUS = '  - {name: opus, reader: plain_text, pairs: all, splits: {train: "opus/{source}-{target}.{language}"}}\n'


def test_inputs_of_each_step(tmp_path: Path) -> None:
    """Files that no step before had, and all of a split that none had, be they those of another."""
    (tmp_path / "opus").mkdir()
    for language in ("de", "en", "cs"):
        (tmp_path / "opus" / f"de-en.{language}").write_text(f"{language}\n")
    path = tmp_path / "config.yaml"

    def step(text: str) -> Identity:
        path.write_text(text)
        return identify(load_config(path), ProgressReport())

    first = step(TALKS)
    assert list(first.plain()["inputs"]) == ["talks/train/0", "talks/train/1"]
    second = step(TALKS.replace("[de, en]", "[cs, de, en]"))
    assert list(second.plain([first])["inputs"]) == ["talks/train/0"]
    (tmp_path / "opus" / "de-en.cs").unlink()
    third = step(TALKS + OPUS)
    assert list(third.plain([first])["inputs"]) == ["opus/de-en/train/0", "opus/de-en/train/1"]
    assert third.inputs["opus/de-en/train/0"] == first.inputs["talks/train/0"]
