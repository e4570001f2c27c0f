"""--guard: which updates are spoilt, what becomes of a training that meets them, and which layer is named."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtdeep.checkpoint.read import load_plain
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.faulty_layer import faulty_layer
from mtdeep.fairseq_plugin.guard import Guard, SpoiltUpdate
from mtdeep.fairseq_plugin.spoilt_batches import MOST, keep_batches
from mtdeep.fairseq_plugin.trainer import Trainer

Samples = Sequence[dict[str, Any]]
GUARD = {"optimization__guard": True}
PRECISIONS = {"fp32": {}, "bf16": {"common__bf16": True}, "amp": {"common__amp": True}}


def spoilt(guard: Guard, norm: float, *, scaled: bool = False) -> bool:
    try:
        guard.look(norm, scaled=scaled)
    except SpoiltUpdate:
        return True
    return False


def test_a_norm_is_compared_with_the_median_of_those_before() -> None:
    guard = Guard()
    norms = [1.0, 60.0, *[1.0] * 17]
    assert not any(spoilt(guard, norm) for norm in norms), "too few to know"
    assert not spoilt(guard, 3.0)
    assert [spoilt(guard, norm) for norm in (49.0, 51.0, 49.0)] == [False, True, False]
    assert not any(spoilt(guard, 10.0) for _ in range(100))
    assert [spoilt(guard, norm) for norm in (60.0, 499.0, 501.0)] == [False, False, True]


@pytest.mark.parametrize("norm", [math.nan, math.inf])
def test_one_that_is_not_finite(norm: float) -> None:
    guard = Guard()
    assert spoilt(guard, norm)
    assert not spoilt(guard, norm, scaled=True), "the loss scale's affair"


def test_three_in_a_row_and_again() -> None:
    guard = Guard()
    seen = []
    for norm in (1.0, math.nan, math.nan, 1.0, math.nan, math.nan, math.nan):
        spoilt(guard, norm)
        seen.append(guard.gives_up)
    assert seen == [*[False] * 6, True] and guard.may_go_back
    guard.went_back()
    assert not guard.gives_up and not guard.may_go_back
    for _ in range(99):
        spoilt(guard, 1.0)
    assert not guard.may_go_back
    spoilt(guard, 1.0)
    assert guard.may_go_back


def test_it_goes_on_from_its_state() -> None:
    guard, other = Guard(), Guard()
    guard.went_back()
    for norm in (*[1.0] * 30, math.nan, math.nan):
        spoilt(guard, norm)
    other.restore(guard.state())
    assert other.state() == guard.state()
    assert spoilt(other, 51.0) and other.gives_up and not other.may_go_back


class Network(nn.Module):
    """Three layers, one behind the other."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.layers = nn.ModuleList([nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)) for _ in range(3)])

    def forward(self, tokens: Tensor) -> Tensor:
        states = self.embedding(tokens)
        for layer in self.layers:
            states = layer(states)
        return states.sum()


def test_the_layer_whose_output_is_not_finite() -> None:
    network, tokens = Network(), torch.tensor([1, 2])
    with torch.no_grad():
        network.layers[1][0].weight[0, 0] = math.inf
    state = torch.get_rng_state()
    assert faulty_layer(network, lambda: network(tokens)) == "layers.1, the first whose output is not finite"
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ({"layers.0": math.nan, "layers.1": math.inf, "embedding": math.nan}, "layers.1, the last whose gradient is"),
        ({"embedding": math.nan}, "embedding, the last whose gradient is not finite"),
        ({"layers.2": 1e3}, "layers.2, whose gradient is the largest"),
    ],
)
def test_the_layer_whose_gradient_is_bad(bad: dict[str, float], name: str) -> None:
    network, tokens = Network(), torch.tensor([1, 2])
    network(tokens).backward()
    for parameter_name, parameter in network.named_parameters():
        for layer, value in bad.items():
            if parameter_name.startswith(layer) and parameter.grad is not None:
                parameter.grad.flatten()[0] = value
    assert faulty_layer(network, lambda: network(tokens)).startswith(name)


def test_so_many_batches_are_kept_and_no_more(samples: Samples, tmp_path: Path) -> None:
    paths = [keep_batches(tmp_path, samples[:1], 7, 0) for _ in range(MOST + 1)]
    assert len(set(paths)) == MOST + 1 and paths[-1] is None
    kept = torch.load(paths[0], weights_only=True)
    assert kept["updates"] == 7
    assert torch.equal(kept["batches"][0]["target"], samples[0]["target"])


def test_a_disk_that_does_not_take_them_is_a_warning(
    samples: Samples, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spoilt_batches").touch()
    assert keep_batches(tmp_path, samples[:1], 7, 0) is None
    assert "cannot be written (" in caplog.text and "; the batch is not kept" in caplog.text


@pytest.fixture
def guarded(trainer: Callable[..., Trainer]) -> Callable[..., tuple[Trainer, Callable[[dict[str, Any], bool], Any]]]:
    """Make a trainer, and what updates it on a batch, which a layer of the decoder may spoil."""

    def make(**changes: object) -> tuple[Trainer, Callable[[dict[str, Any], bool], Any]]:
        torch.manual_seed(5)
        made = trainer("--optimizer", "adam", **changes)
        spoils = [False]
        layer = made.get_model().decoder.layers[1].fc1
        layer.register_forward_hook(lambda module, inputs, output: output * math.nan if spoils[0] else output)

        def update(batch: dict[str, Any], spoil: bool = False) -> Any:
            spoils[0] = spoil
            return made.train_step([batch])

        return made, update

    return make


def weights(trainer: Trainer) -> Tensor:
    return torch.cat([parameter.data.flatten() for parameter in trainer.get_model().parameters()])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_spoilt_update_is_as_if_its_batch_had_not_been(
    precision: str, guarded, samples: Samples, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with_it, update = guarded(**GUARD, **PRECISIONS[precision])
    without, update_too = guarded(**PRECISIONS[precision])
    for batch in samples[:2]:
        update(batch)
        update_too(batch)
    assert update(samples[2], True) is None
    assert update(samples[2], True) is None
    assert with_it.get_num_updates() == without.get_num_updates()
    for batch in samples[3:]:
        update(batch)
        update_too(batch)
    assert torch.equal(weights(with_it), weights(without))
    assert "is skipped, as its gradient is not finite (decoder.layers.1, the first whose output is" in caplog.text
    (first, _) = sorted((tmp_path / "spoilt_batches").iterdir())
    assert torch.equal(torch.load(first, weights_only=True)["batches"][0]["target"], samples[2]["target"])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_without_it_fairseq_ends_the_training(precision: str, guarded, samples: Samples) -> None:
    made, update = guarded(**PRECISIONS[precision])
    before = weights(made)
    with pytest.raises(FloatingPointError, match=r"^gradients are Nan/Inf$"):
        update(samples[0], True)
    assert torch.equal(weights(made), before)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_three_in_a_row_take_it_back_and_three_more_end_it(
    precision: str, guarded, save_training, samples: Samples, tmp_path: Path
) -> None:
    made, update = guarded(**GUARD, **PRECISIONS[precision])
    update(samples[0])
    save_training(made, tmp_path / "checkpoint_last.pt")
    before = weights(made)
    update(samples[1])
    assert not torch.equal(weights(made), before)
    for _ in range(3):
        update(samples[2], True)
    assert torch.equal(weights(made), before) and made.get_num_updates() == 1
    update(samples[3])
    assert made.get_num_updates() == 2
    for _ in range(2):
        update(samples[4], True)
    last = tmp_path / "checkpoint_last.pt"
    sentence = (
        f"^3 updates in a row were spoilt, again, soon after .* back: decoder.layers.1, .*; look at their batches, in "
        rf"{tmp_path / 'spoilt_batches'}, or lower --lr; the same command goes on from {last} \(update 1\)\.$"
    )
    with pytest.raises(UserError, match=sentence):
        update(samples[4], True)


def test_there_may_be_nothing_to_go_back_to(guarded, samples: Samples) -> None:
    _, update = guarded(**GUARD)
    update(samples[0], True)
    update(samples[0], True)
    with pytest.raises(UserError, match=r"were spoilt, before there was a checkpoint: decoder\.layers\.1, "):
        update(samples[0], True)


def test_a_training_that_goes_on_remembers(guarded, save_training, samples: Samples, tmp_path: Path) -> None:
    made, update = guarded(**GUARD)
    update(samples[0])
    update(samples[1], True)
    update(samples[1], True)
    state = save_training(made, tmp_path / "checkpoint_last.pt")["extra_state"]["guard"]
    assert len(state["norms"]) == 1 and state["spoilt"] == 2
    after, update = guarded(**GUARD)
    after.load_checkpoint(str(tmp_path / "checkpoint_last.pt"))
    assert after._guarding.state() == {"guard": state}
    update(samples[1], True)  # the third in a row
    assert after._guarding.state()["guard"]["spoilt"] == 0


def test_it_goes_back_to_its_own_checkpoint(guarded, save_training, samples: Samples, tmp_path: Path) -> None:
    """And not to one of more updates, of the training before --reset-optimizer."""
    earlier, update = guarded()
    for batch in samples[:3]:
        update(batch)
    save_training(earlier, tmp_path / "checkpoint9.pt")
    made, update = guarded(**GUARD)
    resets = {"reset_optimizer": True, "reset_lr_scheduler": True, "reset_meters": True}
    made.load_checkpoint(str(tmp_path / "checkpoint9.pt"), **resets)
    update(samples[0])
    save_training(made, tmp_path / "checkpoint1.pt")
    before, began = weights(made), made._start_time
    update(samples[1])
    for _ in range(3):
        update(samples[2], True)
    assert torch.equal(weights(made), before) and made.get_num_updates() == 1
    assert (made._start_time, made._previous_training_time) == (began, 0), "hours of --stop-time-hours go on"


SPOILING = """
import math
from mtdeep.fairseq_plugin.trainer import Trainer

made = 0
step = Trainer.train_step


def train_step(self, samples, raise_oom=False):
    global made
    made += 1
    bad = 15 <= made < 18 and self.data_parallel_rank == self.data_parallel_world_size - 1
    layer = self._model.decoder.layers[1].fc1
    hook = layer.register_forward_hook(lambda module, inputs, output: output * math.nan if bad else output)
    try:
        return step(self, samples, raise_oom)
    finally:
        hook.remove()


Trainer.train_step = train_step
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_what_spoils_one_process_takes_all_of_them_back(
    processes: int, toy_store: Path, tmp_path: Path, run_command, tiny: list[str]
) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "__init__.py").write_text(SPOILING)
    run = tmp_path / "run"
    done = run_command(
        "fairseq-train", toy_store, *tiny, "--guard", "--user-dir", tmp_path / "user", "--max-update", 30,
        "--save-interval-updates", 10, "--save-dir", run,
        "--distributed-world-size", processes, "--find-unused-parameters",
    )  # fmt: skip
    log = done.stdout + done.stderr
    assert done.returncode == 0, log[-3000:]
    assert log.count("is skipped, as its gradient is not finite (decoder.layers.1, the first whose output") >= 3
    assert f"the training goes back to {run / 'checkpoint_1_10.pt'}" in log
    assert load_plain(run / "checkpoint_last.pt")["optimizer_history"][-1]["num_updates"] == 30
    assert len([*(run / "spoilt_batches").iterdir()]) == 3 * processes


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_rate_that_is_far_too_high(
    processes: int, toy_store: Path, tmp_path: Path, run_command, tiny: list[str]
) -> None:
    done = run_command(
        "fairseq-train", toy_store, *tiny, "--guard", "--lr", "1e30", "--max-update", 60, "--save-dir", tmp_path,
        "--distributed-world-size", processes, "--find-unused-parameters",
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: 3 updates in a row were spoilt, before there was a checkpoint: ")
    assert "Traceback" not in done.stdout + done.stderr
    assert len([*(tmp_path / "spoilt_batches").iterdir()]) == 3 * processes
