"""`mtdeep evaluate`, run as a user runs it."""

from __future__ import annotations

import inspect
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mtdeep.cli.evaluate import evaluate, print_matrix
from mtdeep.corpus import Direction
from mtdeep.decoding import SearchOptions
from mtdeep.evaluation import BLEU, DirectionScore, Matrix
from mtdeep.evaluation.evaluate import DEFAULT_OPTIONS


def test_prints_matrices_averages_signatures_and_files(run_command, store, checkpoint, tmp_path) -> None:
    output = tmp_path / "results"
    options = ["--checkpoint", checkpoint, "--beam", 2, "--max-len-a", 0.5, "--max-len-b", 8, "--output", output]
    done = run_command("mtdeep", "evaluate", store, *options)
    assert done.returncode == 0, done.stderr
    for metric in ("BLEU", "chrF++"):
        assert f"{metric} (rows: from, columns: to)" in done.stdout
        assert f"Average {metric}: " in done.stdout
    assert "Average BLEU of copying the source: " in done.stdout
    assert "(12/20 directions)" in done.stdout
    assert "BLEU signature: nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:" in done.stdout
    assert "tok:zh" in done.stdout
    assert "chrF++ signature: nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:" in done.stdout
    assert "No sentences, so no score: 8 directions (en-ja, " in done.stdout
    for name in ("scores.tsv", "bleu.tsv", "chrf.tsv", "bleu.png", "chrf.png", "results.json", "hypotheses.jsonl"):
        assert str(output / name) in done.stdout
        assert (output / name).stat().st_size > 0
    results = json.loads((output / "results.json").read_text())
    assert (results["beam"], results["max_length_a"], results["max_length_b"]) == (2, 0.5, 8)


def test_greedy_with_other_directions_and_tokenizer(run_command, store, checkpoint, tmp_path) -> None:
    options = ["--directions", "centric:zh_CN", "--beam", 1, "--lenpen", 0.6, "--tokenize", "char", "--device", "cpu"]
    done = run_command(
        "mtdeep", "evaluate", store, "--checkpoint", checkpoint, *options, "--max-len-a", 0, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "tok:char" in done.stdout and "tok:13a" not in done.stdout
    assert (tmp_path / "evaluation" / "scores.tsv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--directions": "en-sw"}, "language 'sw' is not among those of the store"),
        ({"--device": "cuda:99"}, "--device cuda:99"),
        ({"--lenpen": "nan"}, "length_penalty nan is no finite number"),
    ],
)
def test_bad_input_is_one_sentence(run_command, store, checkpoint, tmp_path, options, message) -> None:
    given = {"--checkpoint": str(checkpoint), "--output": "results", **options}
    done = run_command("mtdeep", "evaluate", store, *(word for pair in given.items() for word in pair), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("option", [("--max-len-a", "-1"), ("--max-len-a", "nan"), ("--max-len-b", "0")])
def test_numbers_out_of_range_are_usage_errors(run_command, store, checkpoint, tmp_path, option) -> None:
    done = run_command("mtdeep", "evaluate", store, "--checkpoint", checkpoint, *option, cwd=tmp_path)
    assert done.returncode == 2
    assert f"Invalid value for '{option[0]}'" in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_defaults_are_those_of_the_function() -> None:
    given = {name: parameter.default for name, parameter in inspect.signature(evaluate).parameters.items()}
    assert (
        SearchOptions(
            beam=given["beam"],
            length_penalty=given["lenpen"],
            max_length_a=given["max_len_a"],
            max_length_b=given["max_len_b"],
        )
        == DEFAULT_OPTIONS
    )


@pytest.mark.slow
def test_kill_nine_and_go_on(run_command, store, checkpoint, tmp_path) -> None:
    def arguments(output: Path) -> list[str]:
        options = ["--split", "valid", "--batch-tokens", "60", "--beam", "3", "--output", output]
        return ["evaluate", *map(str, [store, "--checkpoint", checkpoint, *options])]

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert run_command("mtdeep", *arguments(whole)).returncode == 0
    file = cut / "hypotheses.jsonl"
    size = -1
    for _ in range(3):
        command = [sys.executable, "-m", "mtdeep.cli.main", *arguments(cut)]
        process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while (not file.exists() or file.stat().st_size <= size) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert file.stat().st_size > size  # it went on from there, and did not start again
        size = file.stat().st_size
        assert not (cut / "scores.tsv").exists()
    assert run_command("mtdeep", *arguments(cut)).returncode == 0
    for name in ("scores.tsv", "bleu.tsv", "results.json"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


def matrix_of(languages: int) -> Matrix:
    codes = [f"x{i:02d}" for i in range(languages)]
    expected = [Direction(s, t) for s in codes for t in codes if s != t]
    values = {BLEU: 12.34}
    return Matrix.of(BLEU, expected, [DirectionScore(d, 1, values, "", "") for d in expected[1:]])


@pytest.mark.parametrize("languages", [3, 100])
def test_matrices_stay_compact(languages: int) -> None:
    from rich.console import Console

    text = io.StringIO()
    print_matrix(Console(file=text, width=200).print, matrix_of(languages))
    lines = text.getvalue().splitlines()
    assert len(lines) == languages + 3
    assert max(map(len, lines)) < 120
    assert ("-" in lines[2]) == (languages == 3)  # the gap, where there is room for it
