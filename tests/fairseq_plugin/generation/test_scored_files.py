"""fairseq-score: BLEU of two files, under every option."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import sacrebleu
from fairseq_cli import score

from mtdeep.errors import UserError

HYPOTHESES = ["The cat sat on the mat .", "it rained", ""]
REFERENCES = ["the cat sat on a mat .", "it rained all day", ""]


@pytest.fixture
def scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Returns what the command prints of two texts, its options left out."""

    def run(hypotheses: bytes | list[str], references: list[str], *options: str) -> list[str]:
        if isinstance(hypotheses, list):
            hypotheses = "".join(f"{line}\n" for line in hypotheses).encode()
        (tmp_path / "sys").write_bytes(hypotheses)
        (tmp_path / "ref").write_text("".join(f"{line}\n" for line in references))
        files = ("-s", str(tmp_path / "sys"), "-r", str(tmp_path / "ref"))
        monkeypatch.setattr(sys, "argv", ["fairseq-score", *files, *options])
        score.cli_main()
        return capsys.readouterr().out.splitlines()[1:]

    return run


@pytest.mark.parametrize("lowercase", [False, True])
def test_sacrebleu(scores, lowercase: bool) -> None:
    options = ["--ignore-case"] if lowercase else []
    (line,) = scores(HYPOTHESES, REFERENCES, "--sacrebleu", *options)
    expected = sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES], lowercase=lowercase)
    assert line.startswith(f"{expected.format()} nrefs:1|case:{'lc' if lowercase else 'mixed'}|")


def test_words_between_spaces(scores) -> None:
    """Two words of four, in order: precision 1, and the brevity penalty exp(1 - 4 / 2)."""
    (line,) = scores(["a b"], ["a b c d"], "--order", "2")
    assert float(line.split()[2].rstrip(",")) == round(100 * math.exp(-1), 2)


def test_each_line_by_itself(scores) -> None:
    """With one added to the counts of n-grams longer than a word: (1/2 * 1/2)^(1/2) for a word that is wrong of two."""
    right, wrong = scores(["a b", "a c"], ["a b", "a b"], "--sentence-bleu", "--order", "2")
    assert right.startswith("0 BLEU2 = 100.00, ")
    assert wrong.startswith("1 BLEU2 = 50.00, ")


def test_files_that_do_not_belong_together(scores) -> None:
    with pytest.raises(UserError, match=r"^--sys .*sys has 1 lines, and --ref .*ref has 2; give files"):
        scores(["a"], ["a", "b"])
    with pytest.raises(UserError, match=r"^--ref .*ref is empty; give a file"):
        scores(["a"], [])
    with pytest.raises(UserError, match=r"^--sys .*sys, line 1: is not UTF-8"):
        scores(b"\xff\n", ["a"])
