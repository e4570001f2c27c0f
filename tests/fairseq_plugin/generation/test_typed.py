"""fairseq-interactive on a store: whatever lines come, each has its number, and nothing is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.generation.typed_lines import buffered_read


def test_nothing_is_translated_into_nothing_without_the_model(interact, read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blank lines, and what the subword model's normalisation leaves nothing of, between lines in one buffer."""
    text = "eab eob .\n\n \t\u00a0\neud .\n"
    together = interact(text, "--buffer-size", "9", "--batch-size", "4")
    assert read(together, "D")[1] == read(together, "D")[2] == [["0.0", ""]]
    assert read(together, "H")[1] == [["0.0", ""]]
    alone = interact("eab eob .\neud .\n")
    for number, other in ((0, 0), (3, 1)):
        assert read(together, "H")[number][0][1] == read(alone, "H")[other][0][1]
    sources = [columns[0][0].split(" ") for _, columns in sorted(read(together, "S").items())]
    assert ["".join(pieces).replace("▁", " ").strip() for pieces in sources] == ["eab eob .", "", "", "eud ."]
    monkeypatch.setattr("fairseq.sequence_generator.SequenceGenerator.generate", None)
    assert read(interact("\n\n"), "D") == {0: [["0.0", ""]], 1: [["0.0", ""]]}


def test_results_come_in_the_order_of_the_lines(interact, read) -> None:
    text = "".join(f"{'eab ' * n}.\n" for n in (4, 1, 3, 2, 5))
    output = interact(text, "--buffer-size", "3", "--batch-size", "2")
    numbers = [int(line[2:].split("\t")[0]) for line in output.splitlines() if line.startswith("D-")]
    assert numbers == [0, 1, 2, 3, 4]
    assert read(output, "D").keys() == read(output, "W").keys()


@pytest.mark.parametrize("buffer", [1, 2, 10])
def test_lines_end_at_line_feeds_alone(tmp_path: Path, buffer: int) -> None:
    """A carriage return, U+0085 and U+2028 end none, so that numbers agree with those of `wc -l`; the mark goes."""
    path = tmp_path / "text"
    path.write_bytes("\ufeffone\r\ntwo\rthree\x85four\u2028five\n\nsix".encode())
    lines = [line for lines in buffered_read(str(path), buffer) for line in lines]
    assert lines == ["one", "two\rthree\x85four\u2028five", "", "six"]
    assert all(len(lines) <= buffer for lines in buffered_read(str(path), buffer))


def test_bytes_that_are_not_text_are_named_after_the_lines_before(interact, tmp_path: Path, capsys) -> None:
    with pytest.raises(UserError, match=r"typed.txt, line 2: is not UTF-8 \(byte 0xff at place 4\)"):
        interact(b"eab\neab\xff\n")
    assert "D-0\t" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"--input .*none: cannot be read \(No such file"):
        next(buffered_read(str(tmp_path / "none"), 1))


def test_a_line_that_the_model_cannot_read_is_named_or_skipped(interact, read) -> None:
    text = "eab\n" + "eab " * 30 + "\neob\n"
    flags = ("--max-source-positions", "20", "--buffer-size", "3")
    with pytest.raises(UserError, match=r"typed.txt, line 2: has \d+ tokens, and the model reads at most 20"):
        interact(text, *flags)
    output = interact(text, *flags, "--skip-invalid-size-inputs-valid-test")
    assert read(output, "D").keys() == {0, 2}
