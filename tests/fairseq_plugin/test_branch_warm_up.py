"""A warm-up of the branches in fairseq's loop: its updates, its end, its checkpoints, and what is refused."""

from __future__ import annotations

import math
import shutil
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from fairseq import checkpoint_utils
from fairseq.data.iterators import GroupedIterator
from fairseq.models import BaseFairseqModel
from torch import Tensor

from mtdeep.checkpoint import average, read_checkpoint
from mtdeep.checkpoint.read import load_plain
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.branch_warm_up import agree_on_warm_up, last_update
from mtdeep.fairseq_plugin.trainer import Trainer
from mtdeep.nn import Config, Model

T, LAYERS = 3, 3
END = T * LAYERS  # of the decoder, which is the deeper stack here
CONFIG = Config(scheme="preln", source_vocabulary_size=9, target_vocabulary_size=9, encoder_layers=2, decoder_layers=3)
Make = Callable[..., Trainer]


@pytest.fixture
def updated(trainer: Make) -> Callable[..., Trainer]:
    """Return a maker of trainers that have made some updates: (updates, *flags, SECTION__OPTION=value)."""

    def make(updates: int, *flags: object, **changes: object) -> Trainer:
        made = trainer("--branch-warm-up", T, "--max-update", END, *flags, **changes)
        made.load_checkpoint("nowhere.pt")
        freq = made.cfg.optimization.update_freq[0]
        epoch = made.get_train_iterator(1, load_dataset=True)
        for samples in islice(GroupedIterator(epoch.next_epoch_itr(), freq), updates):
            made.train_step(samples)
        return made

    return make


def save(made: Trainer, path: Path) -> Path:
    made.consolidate_optimizer()
    made.save_checkpoint(str(path), {"train_iterator": {"epoch": 1}})
    return path


def watch_updates(model: BaseFairseqModel) -> list[tuple[bool, int]]:
    """Return a list that gets, for each forward pass, whether it is of training, and what t is in it."""
    seen: list[tuple[bool, int]] = []
    model.decoder.register_forward_hook(
        lambda decoder, *_: seen.append((decoder.training, int(decoder.branch_warm_up.updates)))
    )
    return seen


def test_updates_are_counted_as_the_paper_does(trainer: Make) -> None:
    """The first update is made at t = 0; all batches of an update see one t; validation sees the updates made.

    Before the first batch of a split the source is looked at, with the sentences' own and with others'.
    """
    made = trainer("--branch-warm-up", T, "--max-update", END, optimization__update_freq=[2])
    seen = watch_updates(made.model)
    made.load_checkpoint("nowhere.pt")
    epoch = made.get_train_iterator(1, load_dataset=True)
    valid = next(made.get_valid_iterator("valid").next_epoch_itr(shuffle=False))
    for samples in islice(GroupedIterator(epoch.next_epoch_itr(), 2), 3):
        made.train_step(samples)
        made.valid_step(valid)
    assert seen == [
        (True, 0),
        (True, 0),
        *[(False, 1)] * 3,
        (True, 1),
        (True, 1),
        (False, 2),
        (True, 2),
        (True, 2),
        (False, 3),
    ]


def test_a_training_that_goes_on_knows_its_updates(
    updated: Callable[..., Trainer], trainer: Make, tmp_path: Path
) -> None:
    made = updated(4)
    save(made, tmp_path / "c.pt")
    other = trainer("--branch-warm-up", T, "--max-update", END)
    other.load_checkpoint(str(tmp_path / "c.pt"))
    assert int(other.model.decoder.branch_warm_up.updates) == int(other.model.encoder.branch_warm_up.updates) == 4


def test_no_module_but_the_stacks_wants_to_know(trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """fairseq would ask every module, before every batch; what it would tell is told without."""
    model = trainer("--branch-warm-up", T).model
    askable = {name for name, module in model.named_modules() if hasattr(module, "set_num_updates")}
    assert askable == {"", *(f"{stack}{part}" for stack in ("encoder", "decoder") for part in ("", ".branch_warm_up"))}
    for walk in ("modules", "apply"):
        monkeypatch.setattr(torch.nn.Module, walk, lambda *_: pytest.fail("all modules are asked"))
    model.set_num_updates(5)
    assert {int(stack.branch_warm_up.updates) for stack in (model.encoder, model.decoder)} == {5}


@torch.no_grad()
def log_probabilities(model: torch.nn.Module, source: Tensor, previous: Tensor) -> Tensor:
    """Return (batch, time, vocabulary) of a model in fairseq's clothes or in torch's alone."""
    if isinstance(model, Model):
        logits: Tensor = model.output_projection(model.features(source, previous))
    else:
        logits, _ = model(source, torch.full((len(source),), source.size(1)), previous)
    return logits.log_softmax(-1)


@pytest.mark.parametrize("updates", [1, 4, END])
def test_a_checkpoint_is_the_function_in_memory(
    updates: int, updated: Callable[..., Trainer], tmp_path: Path, toy_store: Path
) -> None:
    """Read by fairseq's commands, by its hub and by ours, at the updates that its training had made."""
    made = updated(updates)
    path, model = save(made, tmp_path / "c.pt"), made.get_model().eval()
    pair = torch.randint(4, 90, (3, 7)), torch.randint(4, 90, (3, 6))
    expected = log_probabilities(model, *pair)
    (loaded,), _, _ = checkpoint_utils.load_model_ensemble_and_task([str(path)])
    hub = type(model).from_pretrained(str(tmp_path), "c.pt", str(toy_store))
    ours = read_checkpoint(path).model()
    for read in (loaded.eval(), hub.models[0], ours):
        assert torch.equal(log_probabilities(read, *pair), expected)
    ours.set_num_updates(updates - 1)
    assert (log_probabilities(ours, *pair) - expected).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("max_update", "max_epoch", "batches", "freq", "skips", "last"),
    [
        (0, 0, 10, [1], False, math.inf),
        (50, 0, 10, [1], False, 50),
        (0, 3, 10, [1], False, 30),
        (0, 3, 10, [4], False, 9),
        (0, 3, 10, [4], True, 6),
        (0, 4, 10, [5, 2], False, 2 + 3 * 5),
        (50, 3, 10, [1], False, 30),
        (20, 3, 10, [1], False, 20),
    ],
)
def test_the_last_update(
    max_update: int, max_epoch: int, batches: int, freq: Sequence[int], skips: bool, last: float
) -> None:
    options = Namespace(max_update=max_update, max_epoch=max_epoch, update_freq=freq, skip_remainder_batch=skips)
    assert last_update(options, batches) == last


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        (
            {"optimization__max_update": END - 1},
            "after 9 updates, but the training ends after 8; give 2 at most, or train",
        ),
        ({"optimization__max_update": 2}, "but the training ends after 2; train for longer"),
        (
            {"optimization__max_update": 0, "optimization__max_epoch": 2, "task__updates_per_epoch": 4},
            "but the training ends after 8; give 2 at most",
        ),
    ],
)
def test_a_warm_up_that_would_not_end(changes: dict[str, object], remedy: str, trainer: Make) -> None:
    made = trainer("--branch-warm-up", T, **changes)
    made.load_checkpoint("nowhere.pt")
    with pytest.raises(UserError, match=rf"^--branch-warm-up 3: the branches of layer 3 .*{remedy}"):
        made.get_train_iterator(1, load_dataset=True)


def test_an_epoch_that_is_shorter_than_the_first_ends_no_training(updated: Callable[..., Trainer]) -> None:
    made = updated(1)
    made.cfg.optimization.max_update = 2
    made.get_train_iterator(2, load_dataset=False)


WARMING = replace(CONFIG, branch_warm_up=T)


@pytest.mark.parametrize(
    ("saved", "updates", "here", "anew"),
    [
        (CONFIG, 5, CONFIG, True),
        (WARMING, 5, WARMING, False),
        (WARMING, END, WARMING, False),
        (WARMING, END, CONFIG, False),
        (WARMING, END, CONFIG, True),
        (CONFIG, END, WARMING, False),  # it would have ended by now
        (WARMING, 2 * END, replace(CONFIG, branch_warm_up=2 * T), False),
    ],
)
def test_the_same_weights_of_the_branches(saved: Config, updates: int, here: Config, anew: bool) -> None:
    agree_on_warm_up(saved, updates, here, anew=anew)


@pytest.mark.parametrize(
    ("saved", "updates", "here", "anew", "sentence"),
    [
        (WARMING, 5, CONFIG, False, "have had 5 of the 9 updates of their warm-up; give --branch-warm-up 3"),
        (WARMING, 5, replace(CONFIG, branch_warm_up=2), False, "give --branch-warm-up 3"),
        (WARMING, 5, WARMING, True, "begin anew, as updates are counted from 0: go on .* without --reset-optimizer"),
        (WARMING, END, WARMING, True, "which --branch-warm-up 3 would take from them; leave that out"),
        (CONFIG, 5, WARMING, False, "which --branch-warm-up 3 would take from them; leave that out"),
    ],
)
def test_other_weights_of_the_branches(saved: Config, updates: int, here: Config, anew: bool, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        agree_on_warm_up(saved, updates, here, anew=anew)


def test_what_starts_the_optimizer_anew_is_compared(
    updated: Callable[..., Trainer], trainer: Make, tmp_path: Path
) -> None:
    path = save(updated(4), tmp_path / "c.pt")
    with pytest.raises(UserError, match=r"c\.pt: its branches have had 4 of the 9 updates .* counted from 0"):
        trainer("--branch-warm-up", T).load_checkpoint(str(path), reset_optimizer=True)
    with pytest.raises(UserError, match=r"c\.pt: its branches have had 4 of the 9 updates .* give --branch-warm-up 3"):
        trainer().load_checkpoint(str(path))
    torch.save({**load_plain(path), "last_optimizer_state": None}, tmp_path / "d.pt")  # --no-save-optimizer-state
    with pytest.raises(UserError, match=r"d\.pt: its branches have had 4 .* go on with the optimizer's state"):
        trainer("--branch-warm-up", T).load_checkpoint(str(tmp_path / "d.pt"))


@pytest.mark.parametrize("value", [0, -3])
def test_less_than_one_update_is_refused(value: int, trainer: Make) -> None:
    with pytest.raises(UserError, match=rf"branch_warm_up {value} is not a whole number of updates, at least 1"):
        trainer("--branch-warm-up", value)


def tensors(path: Path) -> dict[str, Tensor]:
    return read_checkpoint(path).tensors


@pytest.fixture(scope="session")
def warmed(toy_store: Path, long_run: list[str], tmp_path_factory: pytest.TempPathFactory, run_command) -> Path:
    """A run of 120 updates whose warm-up ends after 90, kept at every 30."""
    folder = tmp_path_factory.mktemp("warmed")
    options = [*long_run, "--branch-warm-up", 30, "--save-interval-updates", 30, "--save-dir", folder]
    result = run_command("fairseq-train", toy_store, *options)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.slow
def test_resume_in_the_warm_up_gives_the_same_model(
    warmed: Path, toy_store: Path, long_run: list[str], tmp_path: Path, run_command
) -> None:
    shutil.copy(warmed / "checkpoint_3_60.pt", tmp_path / "checkpoint_last.pt")
    result = run_command("fairseq-train", toy_store, *long_run, "--branch-warm-up", 30, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    found, expected = tensors(tmp_path / "checkpoint_last.pt"), tensors(warmed / "checkpoint_last.pt")
    assert found.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in found.items())


@pytest.mark.slow
def test_after_its_end_the_option_may_be_left_out(
    warmed: Path, toy_store: Path, long_run: list[str], tmp_path: Path, run_command
) -> None:
    shutil.copy(warmed / "checkpoint_4_90.pt", tmp_path / "checkpoint_last.pt")
    result = run_command("fairseq-train", toy_store, *long_run, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    found, expected = tensors(tmp_path / "checkpoint_last.pt"), tensors(warmed / "checkpoint_last.pt")
    assert all(torch.equal(tensor, expected[name]) for name, tensor in found.items())


@pytest.mark.slow
def test_recomputed_activations_change_no_bit(
    warmed: Path, toy_store: Path, long_run: list[str], tmp_path: Path, run_command
) -> None:
    options = [*long_run, "--branch-warm-up", 30, "--checkpoint-activations", "--save-dir", tmp_path]
    result = run_command("fairseq-train", toy_store, *options)
    assert result.returncode == 0, result.stderr
    found, expected = tensors(tmp_path / "checkpoint_last.pt"), tensors(warmed / "checkpoint_last.pt")
    assert all(torch.equal(tensor, expected[name]) for name, tensor in found.items())


@pytest.mark.slow
def test_a_half_trained_checkpoint_translates_as_one(warmed: Path, compare_searches) -> None:
    """fairseq-generate in a process of its own and ours, the same tokens and scores."""
    compare_searches(warmed / "checkpoint_3_60.pt", "de", beam=3, max_length=20)


@pytest.mark.slow
def test_checkpoints_are_averaged_from_the_end_on(warmed: Path) -> None:
    last = warmed / "checkpoint_last.pt"
    with pytest.raises(UserError, match=r"_60\.pt: its branches have another weight than those of .*last\.pt"):
        average([warmed / "checkpoint_3_60.pt", last])
    with pytest.raises(UserError, match=r"_30\.pt: its branches have another weight than those of .*_60\.pt"):
        average([warmed / "checkpoint_2_30.pt", warmed / "checkpoint_3_60.pt"])
    mean = average([warmed / "checkpoint_4_90.pt", last])["model"]
    one, other = tensors(warmed / "checkpoint_4_90.pt"), tensors(last)
    name = "decoder.layers.0.fc1.weight"
    assert isinstance(mean, dict)
    torch.testing.assert_close(mean[name], (one[name] + other[name]) / 2)


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--broadcast-buffers", "--bf16")])
def test_two_processes_train_the_model_that_one_trains(
    more: tuple[str, ...], toy_store: Path, tmp_path: Path, tiny: list[str], run_command
) -> None:
    training = [*tiny, "--branch-warm-up", 4, "--max-update", 14, "--updates-per-epoch", 7, "--dropout", 0, *more]
    runs = {"one": ("--update-freq", 2), "two": ("--distributed-world-size", 2)}
    for name, command in runs.items():
        result = run_command("fairseq-train", toy_store, *training, *command, "--save-dir", tmp_path / name)
        assert result.returncode == 0, result.stderr
    one, two = (tensors(tmp_path / name / "checkpoint_last.pt") for name in runs)
    close = {"rtol": 0.1, "atol": 0.02} if "--bf16" in more else {"rtol": 1e-4, "atol": 1e-5}
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], **close)


@pytest.mark.slow
@pytest.mark.parametrize("value", ["0", "50"])
def test_the_command_ends_with_one_sentence(
    value: str, toy_store: Path, tiny: list[str], tmp_path: Path, run_command
) -> None:
    options = [*tiny, "--branch-warm-up", value, "--max-update", 120, "--save-dir", tmp_path]
    result = run_command("fairseq-train", toy_store, *options)
    assert result.returncode == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert ("at least 1" if value == "0" else "give 40 at most, or train for longer.") in line
    assert "Traceback" not in result.stderr
