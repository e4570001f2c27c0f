"""The block of docs/from-fairseq.md that translates by the hub, as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs/from-fairseq.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_hub_prints_what_fairseq_interactive_prints(
    unknown_store: Path,
    checkpoint: Path,
    interact,
    read,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (block,) = (text for text in re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S) if ".translate(" in text)
    (sentence,) = re.findall(r'\.translate\("(.*?)"', block)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/checkpoint_best.pt").symlink_to(checkpoint)
    (tmp_path / "store").symlink_to(unknown_store)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    exec(block, {})
    printed = capsys.readouterr().out.splitlines()
    pair = ("--task", "many_to_many_translation", "-s", "en", "-t", "de", "--cpu", "--beam", "5")
    output = interact(f"{sentence}\neab eob .\n", pair=pair)
    (expected,), (another,) = read(output, "D").values()
    assert expected[1] != another[1]
    assert printed[-1] == expected[1] != ""
