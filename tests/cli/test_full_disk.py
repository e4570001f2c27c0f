"""A disk that is full, for which the limit on a file's size stands, and an `--output` that cannot be written."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from mtdeep.cli.main import run
from mtdeep.corpus.mmididx import write_column


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let a write beyond *size* bytes of a file fail, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Run `mtdeep` with arguments, which it refuses; returns the last line that it prints."""

    def refuse(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["mtdeep", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run()
        assert ended.value.code == 2
        printed = capfd.readouterr().err
        assert "Traceback" not in printed
        return printed.splitlines()[-1]

    return refuse


@pytest.fixture
def databin(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for code in ("en", "de"):
        write_column(folder / f"train.en-de.{code}", [np.array([4, 5, 6, 2])] * 4000, 8)
        (folder / f"dict.{code}.txt").write_text("a 3\nb 2\nc 1\nmadeupword0000 0\n")
    return folder


def test_evaluate_keeps_what_is_translated(refused, store: Path, checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "results"
    given = ("--checkpoint", checkpoint, "--beam", 1, "--max-len-a", 0, "--max-len-b", 4, "--output", output)
    with files_of_at_most(1000):
        line = refused("evaluate", store, *given)
    assert line == (
        f"error: {output}: cannot be written (File too large); make room, or give another place for it; "
        "what is translated is kept, and the same command goes on"
    )
    assert (output / "hypotheses.jsonl").stat().st_size > 0


def test_probe_leaves_no_half_file(refused, tmp_path: Path) -> None:
    output = tmp_path / "report"
    with files_of_at_most(1000):
        line = refused("probe", "--schemes", "preln", "--depths", 2, "--width", 16, "--steps", 1, "--output", output)
    (name,) = [path.name for path in output.iterdir()]
    assert line.startswith(f"error: {output / name}/") and "(File too large); make room" in line
    assert "the same command goes on" in line
    assert list((output / name).iterdir()) == []


def test_import_and_export_of_a_databin(refused, databin: Path, tmp_path: Path, run_command) -> None:
    with files_of_at_most(10_000):
        line = refused("store", "import-fairseq", databin, tmp_path / "store")
    assert line.startswith(f"error: {tmp_path / 'store'}: cannot be written (File too large); make room")
    assert "nothing of the new store is left" in line
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]

    assert run_command("mtdeep", "store", "import-fairseq", databin, tmp_path / "store").returncode == 0
    with files_of_at_most(10_000):
        line = refused("store", "export-fairseq", tmp_path / "store", tmp_path / "out", "--directions", "en-de")
    assert line.startswith(f"error: {tmp_path / 'out' / 'train.en-de.en.bin'}: cannot be written (File too large)")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dict.de.txt", "dict.en.txt"]


@pytest.mark.parametrize("verb", [("evaluate", "store", "--checkpoint", "none.pt"), ("probe", "--schemes", "preln")])
@pytest.mark.parametrize(("place", "reason"), [("mine.yaml", "it is a file"), ("mine.yaml/results", "Not a directory")])
def test_an_output_that_is_no_folder_is_named_before_any_work(
    refused, verb: tuple[str, ...], place: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text("x: 1\n")
    line = refused(*verb, "--output", tmp_path / place)
    assert line == f"error: --output {tmp_path / place}: cannot be written to ({reason}); name another folder."


def test_standard_output_on_a_full_disk(run_command, tmp_path: Path) -> None:
    done = run_command("python", "-c", "from mtdeep.cli.main import app, run\n@app.command()\ndef fill():\n"
                       " with open('/dev/full', 'w') as file: file.write('x')\n"
                       "import sys; sys.argv[1:] = ['fill']; run()")  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "error: output: cannot be written (No space left on device); make room\n"
