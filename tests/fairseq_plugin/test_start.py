"""What is known before a command begins is said before it begins, all of it at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fairseq_cli.train
import pytest
from fairseq.distributed import utils as distributed_utils
from omegaconf import DictConfig

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin import start
from mtdeep.fairseq_plugin.fairseq_options import packages
from mtdeep.fairseq_plugin.start import check

TRAINING = (
    "store --task many_to_many_translation --arch preln_mt --criterion label_smoothed_cross_entropy --optimizer adam "
    "--max-tokens 9 --cpu"
).split()


@pytest.fixture
def training(training_with) -> Callable[..., DictConfig]:
    """Return the configuration of a training, with some values changed: {place: value}."""
    made: Callable[..., DictConfig] = training_with(TRAINING)
    return made


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"common.fp16": True}, "--fp16 needs a GPU; on a CPU give --amp or --bf16."),
        (
            {"optimization.guard": True, "optimization.use_bmuf": True},
            "--guard and --use-bmuf do not go together.",
        ),
        (
            {"common.bf16": True, "common.amp": True},
            "--bf16 and --amp contradict each other; give one of them.",
        ),
        ({"optimization.update_freq": [2, 0]}, "--update-freq is 0, but must be at least 1."),
        ({"dataset.max_tokens": None}, "the size of batches is missing; give --max-tokens or --batch-size."),
        (
            {"dataset.disable_validation": True, "checkpoint.patience": 3, "checkpoint.keep_best_checkpoints": 2},
            "--patience needs validation; leave --disable-validation out; "
            "--keep-best-checkpoints needs validation; leave --disable-validation out.",
        ),
        (
            {"model": {"_name": "preln_lm"}, "task": {"_name": "language_modeling", "data": "data"}}
            | {"optimization.stop_without_source": True},
            "--stop-without-source: preln_lm is no encoder-decoder and has no source; leave it out.",
        ),
        (
            {"dataset.disable_validation": True, "optimization.stop_without_source": True},
            "--stop-without-source needs validation; leave --disable-validation out.",
        ),
        (
            {"common.wandb_project": "p", "dataset.num_shards": 2},
            "--num-shards: it belongs to fairseq-generate and fairseq-eval-lm; leave it out, or share with "
            "--distributed-world-size; --wandb-project needs the package wandb; install it, or leave that out.",
        ),
        (
            {"distributed_training.ddp_backend": "fully_sharded"},
            "--ddp-backend needs the package fairscale; install it, or leave that out.",
        ),
        (
            {"lr_scheduler": {"_name": "inverse_sqrt", "warmup_updates": 0}},
            "--lr-scheduler inverse_sqrt: --warmup-updates is 0, but must be at least 1; for a rate that starts in "
            "full take --lr-scheduler piecewise.",
        ),
    ],
)
def test_what_cannot_go_together(
    changes: dict[str, object], sentence: str, training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda package: None)
    with pytest.raises(UserError) as problem:
        check("train", training(changes))
    assert str(problem.value) == sentence
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"common.fp16": True, "common.memory_efficient_fp16": True},
        {"common.tensorboard_logdir": "tb"},
        {"distributed_training.ddp_backend": "legacy_ddp"},
        {"dataset.max_tokens": None, "dataset.batch_size": 3},
        {"checkpoint.patience": 3},
    ],
)
def test_what_goes_together(
    changes: dict[str, object], training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda package: package if package == "tensorboardX" else None)
    check("train", training(changes))
    assert list(tmp_path.iterdir()) == []


def test_an_evaluation_without_a_checkpoint(configured) -> None:
    cfg = configured("validate", "store", "--task", "many_to_many_translation", "--cpu")
    with pytest.raises(UserError, match=r"^--path, .* is missing; the size of batches is missing; give --max-tokens"):
        check("validate", cfg)
    cfg = configured("eval_lm", "data", "--task", "language_modeling", "--cpu")
    with pytest.raises(UserError, match=r"^--path, the checkpoint to evaluate, is missing\.$"):
        check("eval_lm", cfg)


@pytest.mark.parametrize("part", ["model", "task", "criterion", "optimizer", "lr_scheduler"])
def test_a_part_that_is_missing_or_misspelt(part: str, training) -> None:
    flag = {"model": "--arch"}.get(part, f"--{part.replace('_', '-')}")
    name = start.chosen(training(), part)
    misspelt = f"{name[:-1]}_{name[-1]}"
    with pytest.raises(UserError, match=rf"{flag} '{misspelt}' does not exist \(did you mean '{name}'\?\)"):
        check("train", training({part: {"_name": misspelt}}))
    with pytest.raises(UserError, match=rf"{flag} is missing"):
        check("train", training({part: None}))


def test_data_that_a_configuration_file_leaves_open(training) -> None:
    with pytest.raises(UserError, match=r"^the data are missing; name their folder \(.*task\.data\)"):
        check("train", training({"task.data": "???"}))


@pytest.mark.parametrize("arch", ["transformer", "transformer_align", "fconv", "lightconv"])
def test_fairseqs_own_models_train_on_a_store(arch: str, training) -> None:
    check("train", training({"model": {"_name": arch}}))


@pytest.mark.parametrize("arch", ["lstm", "nonautoregressive_transformer", "transformer_lm", "roberta"])
def test_but_for_those_that_need_other_batches(arch: str, training) -> None:
    with pytest.raises(UserError, match=f"^--arch {arch} is not supported by the task many_to_many_translation; "):
        check("train", training({"model": {"_name": arch}}))


def test_options_that_a_configuration_file_gives_the_model(training) -> None:
    model = {"_name": "preln_mt", "encoder_layer": 3, "max_source_positions": 4, "decoder_layers": 2, "dropout": None}
    with pytest.raises(UserError) as problem:
        check("train", training({"model": model}))
    assert str(problem.value) == (
        "the model preln_mt has no option 'encoder_layer' (did you mean 'encoder_layers'?); "
        "model.max_source_positions is an option of the task; write it as task.max_source_positions."
    )


def test_a_folder_that_cannot_be_written_to(training, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--save-dir .*file/run: cannot be written to \(Not a directory\)"):
        check("train", training({"checkpoint.save_dir": str(tmp_path / "file" / "run")}))


@pytest.mark.parametrize(
    ("metric", "maximize", "warning"),
    [
        ("loss", True, "the highest loss: the worst"),
        ("bleu", False, "the lowest bleu is kept: the worst"),
        ("accuracy", True, ""),
        ("ppl", False, ""),
    ],
)
def test_the_best_that_would_be_the_worst(
    metric: str, maximize: bool, warning: str, training, caplog: pytest.LogCaptureFixture
) -> None:
    changes = {"best_checkpoint_metric": metric, "maximize_best_checkpoint_metric": maximize}
    check("train", training({f"checkpoint.{name}": value for name, value in changes.items()}))
    assert warning in caplog.text if warning else not caplog.records


def test_a_command_does_not_begin_when_something_speaks_against_it(training) -> None:
    def begin(cfg: object) -> None:
        raise AssertionError("the command began")

    # The command is known by the file of its main function.
    begin.__code__ = begin.__code__.replace(co_filename=fairseq_cli.train.__file__)
    with pytest.raises(UserError, match="--fp16 needs a GPU"):
        distributed_utils.call_main(training({"common.fp16": True}), begin)
