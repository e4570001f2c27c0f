"""What a user may do wrong with fairseq's commands ends in one sentence and exit code 2."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
import torch

from mtdeep.checkpoint.read import load_plain
from mtdeep.corpus import Direction, Store
from mtdeep.corpus.databin import write_databin

SCRIPTS = Path(sys.executable).parent
TASK = ("--task", "many_to_many_translation")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--directions", "en-xx"], "xx"),
        (["--directions", "en-it"], "'it' is not among those of the store"),
        (["--max-tokens", "2"], "but a batch holds 2 tokens: raise --max-tokens"),
        (["--sampling-method", "unimax", "--batch-pool", "0"], "must be at least 1; --sampling-method unimax needs"),
        (["--valid-subset", "train,valid"], "--valid-subset names 'train'"),
        (["-s", "en", "-t", "en"], "goes from a language into itself"),
        (["--arch", "transformer"], "is for mtdeep's own decoders"),
    ],
)
def test_bad_options_end_in_one_sentence(
    toy_store: Path, tmp_path: Path, arguments: list[str], sentence: str, run_command, tiny
) -> None:
    result = run_command("fairseq-train", toy_store, *tiny, "--save-dir", tmp_path, *arguments, "--max-update", 1)
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert sentence in result.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("checkpoint*.pt"))


@pytest.mark.parametrize("damage", ["no store", "other version", "truncated"])
def test_a_damaged_store_ends_in_one_sentence(toy_store: Path, tmp_path: Path, damage: str, run_command, tiny) -> None:
    store = tmp_path / "store"
    shutil.copytree(toy_store, store)
    if damage == "no store":
        (store / "manifest.json").unlink()
    elif damage == "other version":
        manifest = (store / "manifest.json").read_text()
        (store / "manifest.json").write_text(re.sub(r'"version": ?1\b', '"version": 99', manifest))
    else:
        (shard,) = (store / "shards").iterdir()
        shard.write_bytes(shard.read_bytes()[:-100])
    result = run_command("fairseq-train", store, *tiny, "--save-dir", tmp_path / "run", "--max-update", 1)
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines()[-1].startswith(f"error: {store}")


def test_interactive_without_languages_says_which_flags_are_missing(
    toy_store: Path, checkpoints: Path, run_command
) -> None:
    result = run_command(
        "fairseq-interactive", toy_store, *TASK, "--cpu", "--path", checkpoints / "checkpoint_last.pt",
        input="one\n",
    )  # fmt: skip
    assert result.returncode == 2
    assert "--source-lang" in result.stderr.splitlines()[-1]


def test_constraints_are_refused(toy_store: Path, checkpoints: Path, run_command) -> None:
    result = run_command(
        "fairseq-interactive", toy_store, *TASK, "-s", "en", "-t", "de", "--cpu", "--constraints",
        "--path", checkpoints / "checkpoint_last.pt", input="one\teins\n",
    )  # fmt: skip
    assert result.returncode == 2
    assert "--constraints" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--encoder-attention-heads", "4"], "encoder_heads was 2 and is 4"),
        (["--arch", "postln_mt"], "scheme was 'deepnorm' and is 'postln'"),
        (["--encoder-tag", "tgt"], "trained with --encoder-tag src"),
        (["--max-tokens", "300"], "--reset-dataloader"),
    ],
)
def test_going_on_with_other_options_is_refused(
    toy_store: Path, checkpoints: Path, tmp_path: Path, arguments: list[str], sentence: str, run_command, tiny
) -> None:
    shutil.copy(checkpoints / "checkpoint_2_30.pt", tmp_path / "checkpoint_last.pt")
    result = run_command(
        "fairseq-train", toy_store, *tiny, "--max-update", 120, "--save-dir", tmp_path, *arguments
    )
    assert result.returncode == 2, result.stderr
    assert sentence in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--arch", "postln_mt"], "scheme was 'deepnorm' and is 'postln'"),
        (["--encoder-tag", "tgt"], "trained with --encoder-tag src"),
    ],
)
@pytest.mark.parametrize("reading", ["--finetune-from-model", "--restore-file"])
def test_starting_from_a_checkpoint_of_another_kind_is_refused(
    toy_store: Path, checkpoints: Path, tmp_path: Path, reading: str, arguments: list[str], sentence: str, run_command,
    tiny,
) -> None:  # fmt: skip
    """The tensors would fit, and the model would compute something else with them."""
    reset = ["--reset-dataloader", "--reset-optimizer"] if reading == "--restore-file" else []
    result = run_command(
        "fairseq-train", toy_store, *tiny, *arguments, reading, checkpoints / "checkpoint_last.pt", *reset,
        "--max-update", 1, "--save-dir", tmp_path,
    )  # fmt: skip
    assert result.returncode == 2, result.stderr
    assert sentence in result.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_stock_task_goes_on_with_the_same_scheme_only(
    toy_store: Path, tmp_path: Path, run_command, tiny
) -> None:
    data = tmp_path / "data-bin"
    write_databin(Store(toy_store), data, [Direction("en", "de")], ["train", "valid"])
    options = [option for option in tiny if not option.startswith("--batch-pool") and option != "500"]
    options[options.index("many_to_many_translation")] = "translation"
    train = ("fairseq-train", data, "-s", "en", "-t", "de", *options, "--save-dir", tmp_path)
    assert run_command(*train, "--max-update", 1).returncode == 0
    assert run_command(*train, "--max-update", 2).returncode == 0
    result = run_command(*train, "--max-update", 3, "--arch", "postln_mt")
    assert result.returncode == 2, result.stderr
    assert "scheme was 'deepnorm' and is 'postln'" in result.stderr.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--encoder-tag", "tgt"], "trained with --encoder-tag src"),  # the first process alone reads the checkpoint
        (["--best-checkpoint-metric", "nonsense"], "nonsense"),
    ],
)
def test_processes_of_torchrun_all_say_what_is_wrong(
    toy_store: Path, checkpoints: Path, tmp_path: Path, arguments: list[str], sentence: str, run_command, tiny
) -> None:
    shutil.copy(checkpoints / "checkpoint_2_30.pt", tmp_path / "checkpoint_last.pt")
    result = run_command(
        "torchrun", "--nproc_per_node", 2, SCRIPTS / "fairseq-train", toy_store, *tiny, "--max-update", 120,
        "--save-dir", tmp_path, *arguments,
    )  # fmt: skip
    assert result.returncode != 0
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert errors and all(sentence in line for line in errors), result.stderr
    assert re.search(r"exitcode *: 2\b", result.stderr), result.stderr
    assert "]: Traceback" not in result.stderr  # torch puts the rank before it


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mistake_that_a_worker_finds_is_told_once(tmp_path: Path, workers: int, run_command, tiny) -> None:
    result = run_command(
        "fairseq-train", tmp_path / "nowhere", *tiny, "--distributed-world-size", workers, "--max-update", 1,
        "--save-dir", tmp_path,
    )  # fmt: skip
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines()[-1].startswith(f"error: {tmp_path / 'nowhere'}")
    assert result.stderr.count("error: ") == 1
    assert "Traceback" not in result.stderr


def test_generation_asks_for_the_encoder_tag_of_the_training(
    toy_store: Path, tmp_path: Path, run_command, tiny
) -> None:
    options = (*tiny, "--encoder-tag", "tgt", "--max-update", 3, "--save-dir", tmp_path)
    assert run_command("fairseq-train", toy_store, *options).returncode == 0
    generate = ("fairseq-generate", toy_store, *TASK, "-s", "en", "-t", "de", "--cpu", "--max-len-b", 5)
    checkpoint = ("--path", tmp_path / "checkpoint_last.pt")
    result = run_command(*generate, *checkpoint)
    assert result.returncode == 2
    assert "--encoder-tag tgt" in result.stderr.splitlines()[-1]
    result = run_command(*generate, *checkpoint, "--encoder-tag", "tgt")
    assert result.returncode == 0, result.stderr


def test_a_checkpoint_of_another_vocabulary_is_refused(
    toy_store: Path, checkpoints: Path, tmp_path: Path, run_command, tiny
) -> None:
    state = load_plain(checkpoints / "checkpoint_last.pt")
    state["task_state"]["vocabulary"] = "0" * 32
    torch.save(state, tmp_path / "other.pt")
    result = run_command(
        "fairseq-generate", toy_store, *TASK, "-s", "en", "-t", "de", "--cpu", "--path", tmp_path / "other.pt"
    )
    assert result.returncode == 2, result.stderr
    assert "dictionary is not the one" in result.stderr.splitlines()[-1]
    result = run_command(
        "fairseq-train", toy_store, *tiny, "--finetune-from-model", tmp_path / "other.pt", "--max-update", 1,
        "--save-dir", tmp_path / "run",
    )  # fmt: skip
    assert result.returncode == 2, result.stderr
    assert "dictionary is not the one" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(("kind", "task"), [("lm", "language_modeling"), ("mlm", "masked_lm")])
def test_a_stack_on_its_own_does_not_translate(
    toy_store: Path, tmp_path: Path, kind: str, task: str, run_command
) -> None:
    options = ("--optimizer", "torch_adam", "--lr", "1e-3", "--max-tokens", 400, "--cpu", "--save-dir", tmp_path)
    result = run_command("fairseq-train", toy_store, *TASK, "--arch", f"deepnet_{kind}", *options)
    assert result.returncode == 2, result.stderr
    expected = f"error: --arch deepnet_{kind} is for --task {task}; give that task, or --arch deepnet_mt."
    assert result.stderr.splitlines()[-1] == expected
