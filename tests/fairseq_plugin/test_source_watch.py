"""Whether a model hears its source, in the log of a training, in its checkpoints, and as its end."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fairseq import options
from fairseq.data import Dictionary
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.logging import metrics
from fairseq.models import FairseqDecoder, FairseqEncoder, FairseqEncoderDecoderModel, FairseqLanguageModel
from fairseq_cli import train as fairseq_train
from torch import Tensor

from mtdeep.checkpoint.read import load_plain
from mtdeep.corpus import Direction, Store
from mtdeep.corpus.databin import write_databin
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.source_alarm import SourceUse
from mtdeep.fairseq_plugin.source_sentences import SourceSentences
from mtdeep.fairseq_plugin.source_watch import SourceWatch, relative_spread
from mtdeep.fairseq_plugin.trainer import Trainer

PAD = 1
HEARS = SourceUse(spread=0.98, own=5.3, other=6.8, unigram=8.3)
LOST = SourceUse(spread=0.0005, own=5.9, other=5.9, unigram=8.3)
FIGURES = re.compile(r"valid on '(\w+)' .*encoder_spread ([\d.e-]+) \| other_source_cost ([\d.e-]+)")


def test_spread_in_closed_form() -> None:
    """Two tokens at (1, 3) and (1, -3): they vary by 3 in one of two dimensions, and their size is sqrt(5)."""
    states = torch.tensor([[[1.0, 3.0]], [[1.0, -3.0]], [[100.0, 100.0]]])  # (time, batch, dim)
    output = {"encoder_out": [states], "encoder_padding_mask": [torch.tensor([[False, False, True]])]}
    assert relative_spread(output) == pytest.approx(math.sqrt(4.5) / math.sqrt(5))
    assert relative_spread({"encoder_out": [states[:2]], "encoder_padding_mask": []}) == pytest.approx(math.sqrt(0.9))
    assert relative_spread({"encoder_out": [torch.ones(4, 2, 3)], "encoder_padding_mask": []}) == 0
    assert relative_spread({"encoder_out": [torch.zeros(4, 2, 3)], "encoder_padding_mask": []}) == 0
    lightconv, fconv = ({"encoder_out": out, "encoder_padding_mask": None} for out in (states, (states, states)))
    for other in (None, (states, states), {"encoder_out": []}, lightconv, fconv):
        assert relative_spread(other) is None


class OneHot(FairseqEncoder):
    """Its state of a token is the token."""

    def forward(self, src_tokens: Tensor, src_lengths: Tensor) -> dict[str, list[Tensor]]:
        states = torch.nn.functional.one_hot(src_tokens, len(self.dictionary)).float()
        return {"encoder_out": [states.transpose(0, 1)], "encoder_padding_mask": [src_tokens.eq(PAD)]}


class Copying(FairseqDecoder):
    """Expects the source's first token with probability CHANCE, at every place, and all others alike."""

    CHANCE = 0.4

    def forward(self, prev_output_tokens: Tensor, encoder_out: Any, **options: object) -> tuple[Tensor, None]:
        first = encoder_out["encoder_out"][0][0]
        chance = first * self.CHANCE + (1 - first) * (1 - self.CHANCE) / (first.size(1) - 1)
        return chance.log()[:, None].expand(-1, prev_output_tokens.size(1), -1), None


class CopyingModel(FairseqEncoderDecoderModel):
    def __init__(self, dictionary: Dictionary) -> None:
        super().__init__(OneHot(dictionary), Copying(dictionary))
        self.unused = torch.nn.Parameter(torch.zeros(1))  # an optimizer wants one


def logged(trainer: Trainer, split: str = "valid") -> dict[str, float]:
    """Let the trainer begin a validation; returns what it has logged, unrounded."""
    trainer.get_valid_iterator(split)
    with metrics.aggregate(new_root=True) as meters:
        trainer.source_watch.look()
    return {name: meter.avg for name, meter in meters.items()}


def test_both_figures_in_closed_form(trainer: Callable[..., Trainer]) -> None:
    """Own sources foretell three of six tokens, and others none: 0.4 against the chance of every other token.

    Of six source tokens two are 5 and 6, and two each 7 and the end.
    """
    made = trainer(criterion={"_name": "label_smoothed_cross_entropy", "label_smoothing": 0.1})
    made._criterion = made.task.build_criterion(made.cfg.criterion)
    made._model = CopyingModel(made.task.target_dictionary)
    eos, size = made.task.target_dictionary.eos(), len(made.task.target_dictionary)
    tokens = torch.tensor([[5, 6, eos], [7, 7, eos]])
    inputs = {"src_tokens": tokens, "src_lengths": torch.tensor([3, 3]), "prev_output_tokens": tokens.roll(1, dims=1)}
    own = {"net_input": inputs, "target": tokens, "ntokens": 6}
    other = {**own, "net_input": {**inputs, "src_tokens": tokens.flip(0)}}
    made.source_watch._sentences["valid"] = SourceSentences(own, other, unigram=8.0)
    shown = logged(made)
    assert shown["encoder_spread"] == pytest.approx(math.sqrt(1 - (1 + 1 + 4 + 4) / 36))
    assert shown["other_source_cost"] == pytest.approx(3 / 6 * math.log2(0.4 / (0.6 / (size - 1))))


def test_models_without_a_source_or_without_states_are_not_looked_at(trainer: Callable[..., Trainer]) -> None:
    made = trainer()
    made._model = FairseqLanguageModel(Copying(made.task.target_dictionary))
    assert logged(made) == {}
    model = CopyingModel(made.task.target_dictionary)
    model.encoder.forward = lambda src_tokens, src_lengths: src_tokens
    model.decoder.forward = lambda prev, encoder_out, **_: (torch.zeros(*prev.shape, 94), None)
    made = trainer(criterion={"_name": "cross_entropy"})
    made._model = model
    assert logged(made) == logged(made) == {}


def test_a_task_that_changes_a_batch_before_it_scores_it_is_not_looked_at(
    trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As fairseq's translation_lev does; who counts on being stopped is told, once."""
    made = trainer(optimization__stop_without_source=True)
    plain = type(made.task).valid_step
    monkeypatch.setattr(type(made.task), "valid_step", lambda *sample, **options: plain(*sample, **options))
    assert logged(made) == logged(made) == {}
    assert caplog.text.count("--stop-without-source has no effect: valid cannot tell what the source is") == 1


def test_a_warm_up_of_the_branches_is_waited_for(trainer: Callable[..., Trainer]) -> None:
    """T = 5 of three layers, beside the 2 updates of the rate's."""
    schedule = {"_name": "piecewise", "warmup_updates": 2, "after": "hold", "lr": [5e-3]}
    made = trainer("--branch-warm-up", 5, lr_scheduler=schedule)
    assert made.source_watch._warm_up() == 15


def test_the_training_does_not_notice(trainer: Callable[..., Trainer]) -> None:
    metrics.reset()  # those of a training before would hold a clock
    made = trainer()
    made.get_valid_iterator("valid")
    before = {name: tensor.clone() for name, tensor in made.model.state_dict().items()}
    random, numpy, meters = torch.get_rng_state(), np.random.get_state()[1].tolist(), metrics.state_dict()
    assert set(logged(made)) == {"encoder_spread", "other_source_cost", "unigram_loss"}
    assert torch.equal(torch.get_rng_state(), random) and np.random.get_state()[1].tolist() == numpy
    assert metrics.state_dict() == meters
    assert all(torch.equal(tensor, before[name]) for name, tensor in made.model.state_dict().items())
    assert not any(module._forward_hooks for module in made.model.modules())


@pytest.mark.parametrize(
    ("schedule", "updates"),
    [
        ({"_name": "inverse_sqrt", "warmup_updates": 20, "warmup_init_lr": -1, "lr": [5e-3]}, 20),
        ({"_name": "piecewise", "warmup_updates": 7, "after": "hold", "lr": [5e-3]}, 7),
        ({"_name": "tri_stage", "phase_ratio": [0.1, 0.4, 0.5], "max_update": 300, "lr": [5e-3]}, 30),
        ({"_name": "tri_stage", "warmup_steps": 40, "hold_steps": 1, "decay_steps": 1, "lr": [5e-3]}, 40),
        ({"_name": "triangular", "max_lr": 1e-2, "lr_period_updates": 100, "lr": [5e-3]}, 0),
    ],
)
def test_how_long_the_warm_up_is(schedule: dict[str, object], updates: int, trainer: Callable[..., Trainer]) -> None:
    assert trainer(lr_scheduler=schedule).source_watch._warm_up() == updates


Train = Callable[..., dict[str, Any]]


@pytest.fixture
def train(toy_store: Path, tmp_path: Path, tiny: list[str]) -> Train:
    """Train in this process on a store, or other data; returns what checkpoint_last.pt holds then."""

    def run(arguments: str, folder: str = "checkpoints", data: Path = toy_store) -> dict[str, Any]:
        given = [str(data), *tiny, "--no-epoch-checkpoints", "--save-dir", str(tmp_path / folder), *arguments.split()]
        args = options.parse_args_and_arch(options.get_training_parser(), given)
        fairseq_train.main(convert_namespace_to_omegaconf(args))
        return load_plain(tmp_path / folder / "checkpoint_last.pt")

    return run


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the validations of the first split that are to come show these."""

    def show(*uses: SourceUse | None) -> None:
        coming = iter(uses)
        monkeypatch.setattr(SourceWatch, "_measure", lambda watch, split, iterator: next(coming))

    return show


EPOCHS = "--lr 1e-3 --warmup-updates 1 --updates-per-epoch 1 --valid-directions en-de"


def updates(state: dict[str, Any]) -> int:
    return int(state["optimizer_history"][-1]["num_updates"])


@pytest.mark.slow
def test_it_warns_at_the_second_validation_in_a_row(train: Train, shown, caplog: pytest.LogCaptureFixture) -> None:
    shown(LOST, HEARS, LOST, LOST, LOST)
    state = train(f"{EPOCHS} --max-update 5")
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    warnings = [text for text in warnings if "source" in text]
    assert [re.findall(r"at \d validations in a row, at updates \d to \d", text) for text in warnings] == [
        ["at 2 validations in a row, at updates 3 to 4"],
        ["at 3 validations in a row, at updates 3 to 5"],
    ]
    assert "--depth-rates adam" in warnings[0]
    assert updates(state) == 5, "a warning ends nothing"


def test_it_ends_the_training_where_that_is_asked_for(train: Train, shown, tmp_path: Path) -> None:
    """Saved at the validation that shows it, though no save was due; the second split decides nothing."""
    shown(LOST, HEARS, LOST, HEARS, LOST)
    with pytest.raises(UserError) as stopped:
        train(f"{EPOCHS} --valid-subset valid,test --max-update 9 --save-interval 5 --stop-without-source")
    sentence = str(stopped.value)
    assert sentence.startswith("--stop-without-source: the source is not heard at 2 validations in a row")
    last = tmp_path / "checkpoints" / "checkpoint_last.pt"
    assert sentence.endswith(f"the same command goes on from {last} (update 2).")
    assert updates(load_plain(last)) == 2


@pytest.mark.slow
def test_a_training_that_goes_on_counts_on(train: Train, shown) -> None:
    shown(LOST)
    assert train(f"{EPOCHS} --max-update 1")["extra_state"]["source_unheard"] == {"validations": 1, "since": 1}
    shown(LOST)
    with pytest.raises(UserError, match="at 2 validations in a row, at updates 1 to 2"):
        train(f"{EPOCHS} --max-update 9 --stop-without-source")
    shown(LOST)
    with pytest.raises(UserError, match="at 3 validations in a row, at updates 1 to 3"):
        train(f"{EPOCHS} --max-update 9 --stop-without-source")


@pytest.mark.slow
@pytest.mark.parametrize("reset", ["--reset-meters", "--reset-optimizer"])
def test_another_training_counts_anew(reset: str, train: Train, shown) -> None:
    shown(LOST)
    train(f"{EPOCHS} --max-update 1")
    shown(LOST, None, HEARS, None, None)
    state = train(f"{EPOCHS} --max-update 2 --stop-without-source {reset}")
    assert state["extra_state"]["source_unheard"]["validations"] == 1


@pytest.mark.slow
def test_a_training_does_not_end_for_one_before_it_in_the_process(train: Train, shown) -> None:
    shown(LOST, LOST)
    with pytest.raises(UserError):
        train(f"{EPOCHS} --max-update 9 --stop-without-source", "first")
    shown(HEARS, HEARS)
    assert updates(train(f"{EPOCHS} --max-update 2 --stop-without-source", "second")) == 2


def meters(state: dict[str, Any]) -> dict[str, list[object]]:
    """What a checkpoint has of averages, without those of time."""
    return {
        name: [entry for entry in entries if entry[2] == "AverageMeter" and entry[1] not in ("wall", "train_wall")]
        for name, entries in state["extra_state"]["metrics"].items()
    }


MODELS = {
    "ours": "--dropout 0.2",
    # Draws random numbers in validation, too: each layer is left out by chance, and decides that in either mode.
    "fairseq's": "--arch transformer --encoder-layerdrop 0.3 --dropout 0.2 --criterion label_smoothed_cross_entropy "
    "--optimizer adam",
}


@pytest.mark.parametrize("model", MODELS)
def test_losses_are_the_same_to_the_bit_without_it(model: str, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = f"{MODELS[model]} --max-update 8 --updates-per-epoch 4 --validate-interval-updates 3"
    watched = train(arguments, "watched")
    with monkeypatch.context() as patch:
        patch.setattr(SourceWatch, "look", lambda watch: None)
        plain = train(arguments, "plain")
    names = [name for name in plain["model"] if "_float_tensor" not in name]  # which fairseq never fills
    assert [name for name in names if not torch.equal(watched["model"][name], plain["model"][name])] == []
    assert watched["extra_state"]["val_loss"] == plain["extra_state"]["val_loss"]
    assert meters(watched) == meters(plain) != {}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["", "--bf16", "--amp"])
def test_figures_of_each_split_in_each_precision(precision: str, train: Train, caplog) -> None:
    with caplog.at_level(logging.INFO):
        train(f"--max-update 2 --valid-subset valid,test {precision}")
    lines = [match for record in caplog.records if (match := FIGURES.search(f"{record.getMessage()}"))]
    assert [match[1] for match in lines] == ["valid", "test"]
    assert all(0.1 < float(match[2]) < 1.5 and abs(float(match[3])) < 0.5 for match in lines)


SHORT = "--adam-betas (0.9,0.98) --updates-per-epoch 20 --no-epoch-checkpoints".split()
LOST_ENCODER = "--arch deepnet_mt_36 --lr 4e-3 --warmup-updates 40 --max-update 120".split()


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_lost_encoder_ends_the_training(
    processes: int, toy_store: Path, tmp_path: Path, tiny: list[str], run_command
) -> None:
    """18 + 18 layers, a high rate and a short warm-up: the states are equal after 40 updates, and stay so."""
    flags = [*tiny, "--encoder-layers", "18", "--decoder-layers", "18", *SHORT, *LOST_ENCODER, "--log-format", "json"]
    result = run_command(
        "fairseq-train", toy_store, *flags, "--stop-without-source", "--save-dir", tmp_path,
        "--distributed-world-size", processes, "--distributed-backend", "gloo",
    )  # fmt: skip
    assert result.returncode == 2, result.stderr
    (sentence,) = re.findall(r"^error: .*$", result.stderr, re.MULTILINE)
    assert sentence.startswith("error: --stop-without-source: the source is not heard at 2 validations in a row, at ")
    assert "Traceback" not in result.stderr
    entries = [json.loads(text) for text in re.findall(r'\{"epoch": .*"valid_loss".*\}', result.stdout + result.stderr)]
    spreads = {int(entry["valid_num_updates"]): float(entry["valid_encoder_spread"]) for entry in entries}
    last = updates(load_plain(tmp_path / "checkpoint_last.pt"))
    assert list(spreads) == list(range(20, last + 1, 20)) and 60 <= last < 120
    assert max(spreads[last - 20], spreads[last]) < 0.01 < spreads[20]
    assert all(abs(float(entry["valid_other_source_cost"])) < 0.001 for entry in entries)


@pytest.mark.slow
def test_a_healthy_training_goes_on_to_its_end(train: Train, caplog: pytest.LogCaptureFixture) -> None:
    """Two layers a side, one direction, a warm-up of 100 updates: validated at 50, 100 and 150, it hears its source."""
    with caplog.at_level(logging.INFO):
        state = train(
            "--directions en-de --decoder-layers 2 --lr 3e-3 --warmup-updates 100 --updates-per-epoch 50 "
            "--max-update 150 --stop-without-source"
        )
    assert updates(state) == 150
    lines = [match for record in caplog.records if (match := FIGURES.search(record.getMessage()))]
    assert len(lines) == 3 and float(lines[-1][2]) > 0.5 and float(lines[-1][3]) > 0.5
    assert not any("not heard" in record.getMessage() for record in caplog.records)


@pytest.mark.slow
def test_two_processes_of_which_one_has_nothing_to_validate(
    toy_store: Path, tmp_path: Path, tiny: list[str], run_command
) -> None:
    """The split is one batch: both look at it, and log what one process logs of the same weights."""
    flags = [*tiny, *SHORT, "--valid-directions", "en-de", "--max-tokens-valid", 4000, "--lr", "1e-30"]
    figures = []
    for processes in (1, 2):
        result = run_command(
            "fairseq-train", toy_store, *flags, "--max-update", 1, "--save-dir", tmp_path / str(processes),
            "--distributed-world-size", processes, "--distributed-backend", "gloo",
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        figures += FIGURES.findall(result.stdout + result.stderr)
    assert len(figures) == 2 and figures[0] == figures[1]


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["deepnet_mt", "transformer"])
def test_fairseqs_own_translation_task(architecture: str, toy_store: Path, tmp_path: Path, run_command) -> None:
    write_databin(Store(toy_store), tmp_path / "data-bin", [Direction("en", "de")], ["train", "valid"])
    flags = (
        f"--task translation -s en -t de --arch {architecture} --encoder-layers 2 --decoder-layers 2 "
        "--encoder-embed-dim 32 --encoder-ffn-embed-dim 48 --encoder-attention-heads 2 --optimizer adam --lr 2e-3 "
        "--criterion label_smoothed_cross_entropy --max-tokens 400 --max-update 5 --cpu --log-format simple"
    ).split()
    result = run_command("fairseq-train", tmp_path / "data-bin", *flags, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    ((_, spread, cost),) = FIGURES.findall(result.stdout + result.stderr)
    assert 0.1 < float(spread) < 1.5 and abs(float(cost)) < 0.5
