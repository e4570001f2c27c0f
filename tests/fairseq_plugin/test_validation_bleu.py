"""BLEU at validations: what is logged is what a fresh model of the same weights scores, in one process or several."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from fairseq.logging import metrics

from mtdeep.checkpoint import read_checkpoint
from mtdeep.checkpoint.read import load_plain
from mtdeep.corpus import Direction, Store
from mtdeep.decoding import SearchOptions, Translator
from mtdeep.errors import UserError
from mtdeep.evaluation.sample import averages, sample_bleu
from mtdeep.evaluation.segments import SplitRows
from mtdeep.fairseq_plugin.trainer import Trainer
from mtdeep.fairseq_plugin.validation_bleu import ValidationBleu

Samples = Sequence[dict[str, Any]]


def logged(trainer: Trainer, split: str = "valid") -> dict[str, float]:
    """Let the trainer begin a validation; returns the scores that it has logged, unrounded."""
    trainer.get_valid_iterator(split)
    with metrics.aggregate(new_root=True) as meters:
        trainer.validation_bleu.look()
    return {name: meter.avg for name, meter in meters.items()}


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("precision", [{}, {"common__bf16": True}], ids=["float32", "bf16"])
def test_it_is_that_of_the_checkpoint(
    precision, beam: int, trainer, checkpoints: Path, samples: Samples, save_training, toy_store: Path, tmp_path: Path
) -> None:
    """With dropout, which a validation has none of, at the second validation too."""
    flags = ["--eval-bleu", "--eval-bleu-beam", beam, "--eval-bleu-groups", "language", "--dropout", 0.3]
    made = trainer(*flags, **precision)
    made.load_checkpoint(str(checkpoints / "checkpoint_last.pt"), reset_optimizer=True)
    made.train_step(samples[:1])
    first = logged(made)
    made.train_step(samples[:1])
    shown = logged(made)
    assert shown != first
    save_training(made, tmp_path / "made.pt")
    store, model = Store(toy_store), read_checkpoint(tmp_path / "made.pt").model().eval()
    model = model.to(torch.bfloat16) if precision else model
    translator, split = Translator(model, store.vocabulary, store.subwords()), SplitRows.of(store, "valid")
    options = SearchOptions(beam=beam, max_length_a=2.0, max_length_b=20)
    scores = {
        direction: sample_bleu(translator, split, direction, split.rows(direction), options)
        for source in store.languages
        for target in store.languages
        if source != target
        for direction in (Direction(source, target),)
    }
    assert shown == pytest.approx(averages(scores, {code: code for code in store.languages}))
    assert {"bleu", "bleu_from_zh_hans", "bleu_into_zh_hans"} < shown.keys() and len(shown) == 9
    assert shown["bleu"] > 1


def test_a_sample_is_drawn_once(trainer: Callable[..., Trainer], caplog) -> None:
    flags = ("--eval-bleu", "--eval-bleu-directions", 4, "--eval-bleu-sentences", 3)
    made = trainer(*flags)
    with caplog.at_level("INFO"):
        assert logged(made) == logged(made)
    assert caplog.text.count("--eval-bleu: 12 sentences in 4 of 12 directions of valid") == 1
    assert made.validation_bleu._sample("valid").rows == trainer(*flags).validation_bleu._sample("valid").rows


def test_each_split_has_its_own_and_without_the_flag_none_has(trainer: Callable[..., Trainer]) -> None:
    """fairseq asks every split for the metric of the best checkpoint."""
    assert logged(trainer()) == {}
    made = trainer("--eval-bleu", "--valid-subset", "valid,test")
    made.task.load_dataset("test")
    assert set(logged(made)) == set(logged(made, "test")) == {"bleu"}
    splits = [made.validation_bleu._sample(name).split for name in ("valid", "test")]
    assert [{corpus.split for corpus in split.corpora} for split in splits] == [{"valid"}, {"test"}]


def test_no_loss_is_another_with_it(train, samples: Samples, save_training, tmp_path: Path) -> None:
    def weights(*flags: str) -> dict[str, torch.Tensor]:
        made = train(samples[:2], "--dropout", "0.3", *flags)
        logged(made)
        made.train_step(samples[2:3])
        return {name: x.clone() for name, x in save_training(made, tmp_path / "made.pt")["model"].items()}

    with_it, without = weights("--eval-bleu"), weights()
    assert all(torch.equal(with_it[name], tensor) for name, tensor in without.items())


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--eval-bleu-groups", "family"), "--eval-bleu-groups has no effect without --eval-bleu"),
        (("--eval-bleu", "--eval-bleu-beam", "0"), "--eval-bleu-beam is 0, but must be at least 1"),
        (("--eval-bleu", "--eval-bleu-groups", "none.txt"), r"none\.txt"),
        (("--eval-bleu", "--best-checkpoint-metric", "bleu_into_de"), "is not among what validation gives: bleu, "),
    ],
)
def test_what_is_refused(flags: Sequence[str], sentence: str, trainer: Callable[..., Trainer]) -> None:
    with pytest.raises(UserError, match=sentence):
        trainer(*flags).load_checkpoint("none.pt")


def test_a_model_of_fairseqs_is_refused(configured, toy_store: Path, run_command, tmp_path: Path) -> None:
    flags = "--task many_to_many_translation --arch transformer --encoder-layers 1 --decoder-layers 1 --optimizer adam"
    done = run_command(
        *("fairseq-train", toy_store, *flags.split(), "--max-tokens", "400", "--cpu", "--save-dir", tmp_path),
        *("--eval-bleu", "--max-update", "1"),
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: --eval-bleu needs a model of ours, such as --arch deepnet_")


def test_more_processes_than_directions_and_a_tag_of_the_target(
    trainer: Callable[..., Trainer], checkpoints: Path, monkeypatch
) -> None:
    """Each translates its share, and all log what one alone would."""
    made = trainer("--eval-bleu", "--eval-bleu-directions", 2, "--eval-bleu-groups", "language", "--encoder-tag", "tgt")
    for parameter, trained in zip(
        made.model.parameters(), read_checkpoint(checkpoints / "checkpoint_last.pt").model().parameters(), strict=True
    ):
        parameter.data.copy_(trained)
    alone = logged(made)
    assert alone["bleu"] > 0
    shares: list[list[float]] = []

    def look(rank: int, gather: Callable[[list[float]], list[list[float]]]) -> dict[str, float]:
        names = ("task", "cfg", "device", "model", "get_model")
        process = SimpleNamespace(**{name: getattr(made, name) for name in names})
        process.data_parallel_rank, process.data_parallel_world_size = rank, 3
        process.is_data_parallel_master = rank == 0
        bleu = ValidationBleu(process)
        monkeypatch.setattr(bleu, "_of_all", gather)
        bleu.begin("valid")
        with metrics.aggregate(new_root=True) as meters:
            bleu.look()
        return {name: meter.avg for name, meter in meters.items()}

    for rank in range(3):
        look(rank, lambda mine: (shares.append(mine), [[0.0], [0.0], []])[1])
    assert [len(share) for share in shares] == [1, 1, 0]
    assert [look(rank, lambda mine: shares) for rank in range(3)] == [pytest.approx(alone)] * 3


@pytest.mark.slow
def test_it_chooses_the_best_checkpoint_in_two_processes(toy_store: Path, tiny, run_command, tmp_path: Path) -> None:
    bleu = "--eval-bleu --eval-bleu-groups language --maximize-best-checkpoint-metric --patience 3"
    for processes in (1, 2):
        done = run_command(
            *("fairseq-train", toy_store, *tiny, "--max-update", "60", "--updates-per-epoch", "30"),
            *(*bleu.split(), "--best-checkpoint-metric", "bleu_into_de", "--valid-subset", "valid,test"),
            *("--save-dir", tmp_path / str(processes)),
            *("--distributed-world-size", processes, "--log-format", "json"),
            *("--log-file", tmp_path / f"{processes}.log"),
        )
        assert done.returncode == 0, done.stderr
        log = (tmp_path / f"{processes}.log").read_text()
        assert "test_bleu_into_de" in log
        entries = [json.loads(found) for found in re.findall(r"\{.*valid_bleu.*\}", log)]
        scores = {entry["valid_num_updates"]: float(entry["valid_bleu_into_de"]) for entry in entries}
        assert scores.keys() == {"30", "60"}
        best = max(scores.values())
        state = load_plain(tmp_path / str(processes) / "checkpoint_best.pt")
        assert round(state["extra_state"]["best"], 2) == best
        assert float(entries[-1]["valid_best_bleu_into_de"]) == best
