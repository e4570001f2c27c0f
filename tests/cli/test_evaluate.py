"""`mtdeep evaluate`, run as a user runs it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch

from mtdeep.cli.evaluate import plain_progress, print_matrix
from mtdeep.corpus import Direction, StoreWriter, Vocabulary
from mtdeep.corpus.subwords import Subwords, pieces
from mtdeep.evaluation import BLEU, DirectionScore, Matrix
from mtdeep.nn import Config, EncoderDecoder

TEXTS = {
    "en": ["two young men are outside", "a little girl climbs", "several men in hard hats", "a man on a ladder"],
    "de": ["zwei junge Männer sind draußen", "ein kleines Mädchen klettert", "Männer mit Helmen", "ein Mann"],
    "zh-Hans": ["两个年轻人在外面", "一个小女孩在爬", "几个戴安全帽的人", "梯子上的人"],
    "fr": ["deux jeunes hommes", "une petite fille", "des hommes avec des casques", ""],
}
COPIES = 30  # so that a run can be killed in its middle


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "store"
    model = io.BytesIO()
    lines = [line for column in TEXTS.values() for line in column if line]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=90, minloglevel=2, character_coverage=1.0
    )
    vocabulary = Vocabulary(pieces(model.getvalue()), (*TEXTS, "ja"))
    subwords = Subwords(model.getvalue(), vocabulary)
    with StoreWriter(path, vocabulary, model.getvalue()) as writer:
        ids = {code: [np.asarray(s) for s in subwords.encode(column)] for code, column in TEXTS.items()}
        writer.add_corpus("few", "test", ids, text=TEXTS, provenance={})
        many = {code: column * COPIES for code, column in ids.items()}
        texts = {code: column * COPIES for code, column in TEXTS.items()}
        writer.add_corpus("many", "valid", many, text=texts, provenance={})
        writer.finish({})
    return path


@pytest.fixture(scope="module")
def checkpoint(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    size = len(Vocabulary.load(store / "dict.txt"))
    config = Config(
        scheme="deepnorm",
        source_vocabulary_size=size,
        target_vocabulary_size=size,
        encoder_layers=1,
        decoder_layers=1,
        embed_dim=16,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_heads=2,
        decoder_heads=2,
    )
    torch.manual_seed(0)
    arguments = Namespace(arch="deepnet_mt", mtdeep_config=config.to_dict())
    cfg = {"model": arguments, "task": {"_name": "many_to_many_translation", "encoder_tag": "src"}}
    path = tmp_path_factory.mktemp("model") / "checkpoint_best.pt"
    state = {"cfg": cfg, "model": EncoderDecoder(config).state_dict(), "optimizer_history": [{"num_updates": 3}]}
    torch.save(state, path)
    return path


def test_prints_matrices_averages_signatures_and_files(run_command, store, checkpoint, tmp_path) -> None:
    output = tmp_path / "results"
    options = ["--checkpoint", checkpoint, "--beam", 2, "--max-len-b", 8, "--output", output]
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
    # Pairs with French have one line less.
    assert "translating from fr: 42 of 42" in done.stderr
    assert "scoring: 12 of 12" in done.stderr


def test_greedy_with_other_directions_and_tokenizer(run_command, store, checkpoint, tmp_path) -> None:
    options = ["--directions", "centric:zh_CN", "--beam", 1, "--lenpen", 0.6, "--tokenize", "char", "--device", "cpu"]
    done = run_command(
        "mtdeep", "evaluate", store, "--checkpoint", checkpoint, *options, "--max-len-b", 8, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "tok:char" in done.stdout and "tok:13a" not in done.stdout
    assert (tmp_path / "evaluation" / "scores.tsv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--checkpoint": "text.pt"}, "text.pt: not a checkpoint"),
        ({"--directions": "en-sw"}, "language 'sw' is not among those of the store"),
        ({"--device": "cuda:99"}, "--device cuda:99"),
    ],
)
def test_bad_input_is_one_sentence(run_command, store, checkpoint, tmp_path, options, message) -> None:
    (tmp_path / "text.pt").write_text("no model\n" * 20)
    given = {"--checkpoint": str(checkpoint), "--output": "results", **options}
    done = run_command("mtdeep", "evaluate", store, *(word for pair in given.items() for word in pair), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_a_folder_that_is_no_store(run_command, checkpoint, tmp_path) -> None:
    done = run_command("mtdeep", "evaluate", tmp_path, "--checkpoint", checkpoint, cwd=tmp_path)
    assert (done.returncode, done.stderr[:7]) == (2, "error: ")


@pytest.mark.slow
def test_kill_nine_and_go_on(run_command, store, checkpoint, tmp_path) -> None:
    def arguments(output: Path) -> list[str]:
        options = ["--split", "valid", "--batch-tokens", "60", "--beam", "3", "--max-len-b", "30", "--output", output]
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


def test_plain_progress_prints_seldom(capsys) -> None:
    show = plain_progress()
    for done in range(1, 1001):
        show("translating from en", done, 1000)
    assert capsys.readouterr().err == "translating from en: 1,000 of 1,000\n"
