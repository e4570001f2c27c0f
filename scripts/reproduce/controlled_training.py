"""One training for rates.py, in which something of Adam's rate, or of what it is given, is as a control wants it.

Usage: python scripts/reproduce/controlled_training.py STORE --folder FOLDER --control JSON --updates N

JSON holds the fields of `Control` that are not their defaults. Batches, loss and Adam are those of fairseq-train with
many_to_many_translation and torch_adam; what differs is said by the control alone. It goes on where it was killed.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from control import Control
from torch import Tensor, nn

from mtdeep.corpus import Store, parse_directions
from mtdeep.durable import write_atomically
from mtdeep.nn import Model, build_model
from mtdeep.probe import store_batches
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.objective import features, loss_of
from mtdeep.probe.states import observe, run

BETAS = (0.9, 0.98)
VALIDATION_BATCHES, VALIDATION_TOKENS = 8, 2000
LOOKS = (25, 50, 75, 100)
"""Updates after which the spread is taken, beside every hundredth to the 500th."""
VALIDATION_INTERVAL = 500
"""Updates; a training is validated at its end too."""
SECONDS_BETWEEN_SAVES = 60.0
LOG, STATE = "training.log", "state.pt"


class Training:
    """Model, Adam and data of a control."""

    def __init__(self, control: Control, store: Store, updates: int) -> None:
        torch.manual_seed(control.seed)
        self.control = control
        vocabulary = store.vocabulary
        config = control.config(len(vocabulary), vocabulary.pad)
        self.model: Model = build_model(config)
        self.bias = nn.Parameter(torch.zeros(len(vocabulary))) if control.frequency_bias else None
        directions = parse_directions(control.directions, store)
        self.batches = store_batches(
            store,
            "train",
            config,
            updates * control.batches,
            tokens=control.tokens,
            seed=control.seed,
            directions=directions,
        )
        self.validation = store_batches(
            store, "valid", config, VALIDATION_BATCHES, tokens=VALIDATION_TOKENS, seed=1, directions=directions
        )
        if self.bias is not None:
            self.bias.data.copy_(_log_frequencies(self.batches, len(vocabulary), vocabulary.pad))
        self.adam = torch.optim.AdamW(
            [
                {"params": parameters, "stack": stack, "eps": control.epsilon_of(stack)}
                for stack, parameters in self._groups().items()
            ],
            lr=control.rate,
            betas=BETAS,
            weight_decay=control.weight_decay,
            fused=True,
        )
        self.update = 0

    def _groups(self) -> dict[str | None, list[nn.Parameter]]:
        """Return {stack whose factor its parameters have, or None: parameters}."""
        layers = {id(p): name for name, stack in self.model.stacks.items() for p in _chosen(stack.layers, self.control)}
        groups: dict[str | None, list[nn.Parameter]] = {}
        own = [self.bias] if self.bias is not None else []
        for parameter in [*self.model.parameters(), *own]:
            groups.setdefault(layers.get(id(parameter)), []).append(parameter)
        return groups

    def step(self) -> tuple[float, float]:
        """Make one update; return (nll in bits a token, norm of the gradient)."""
        control = self.control
        first, self.update = self.update * control.batches, self.update + 1
        batches = self.batches[first : first + control.batches]
        base = control.rate_of(None, self.update)
        for group in self.adam.param_groups:
            group["lr"] = control.rate_of(group["stack"], self.update)
            # Adam's decay is by the rate; a factor leaves it alone, as --depth-rates does.
            group["weight_decay"] = control.weight_decay * base / group["lr"]
        self.model.train()
        self.adam.zero_grad(set_to_none=True)
        tokens = sum(int(batch.target.ne(self.model.config.padding_idx).sum()) for batch in batches)
        bits = 0.0
        for batch in batches:
            smoothed, nll, size = self._loss(batch)
            (smoothed / tokens).backward()
            bits += nll * size / tokens / math.log(2)
        norm = torch.nn.utils.get_total_norm([p.grad for p in self.model.parameters() if p.grad is not None])
        self.adam.step()
        return bits, norm.item()

    def _loss(self, batch: ProbeBatch) -> tuple[Tensor, float, int]:
        handle = None
        if self.control.centred_gradient:
            real = batch.source.ne(self.model.config.padding_idx)
            handle = self.model.stacks["encoder"].register_forward_hook(_centring(real))
        states = features(self.model, batch)
        if handle is not None:
            handle.remove()
        if self.bias is None:
            loss = loss_of(self.model, states, batch)
            return loss.smoothed, loss.nll, loss.tokens
        return _loss_with_bias(self.model, states, batch, self.bias)

    def validate(self) -> dict[str, float]:
        """Return loss (bits a token), by how much another sentence's source raises it, and the encoder's spread."""
        if self.bias is not None:
            return self._validate_with_bias()
        losses = {"own": 0.0, "other": 0.0, "loss": 0.0}
        for batch in self.validation:
            pair = batch.with_another_source()
            assert pair is not None, "validation has several sentences of each direction"
            own, other = (run(self.model, sentences)[1] for sentences in pair)
            losses["loss"] += run(self.model, batch)[1]
            losses["own"], losses["other"] = losses["own"] + own, losses["other"] + other
        bits = len(self.validation) * math.log(2)
        return {"loss": losses["loss"] / bits, "gap": (losses["other"] - losses["own"]) / bits, "spread": self.spread()}

    def _validate_with_bias(self) -> dict[str, float]:
        self.model.eval()
        losses = {"own": 0.0, "other": 0.0}
        with torch.no_grad():
            for batch in self.validation:
                pair = batch.with_another_source()
                assert pair is not None and self.bias is not None
                for name, sentences in zip(losses, pair, strict=True):
                    losses[name] += self._loss(sentences)[1] / len(self.validation) / math.log(2)
        return {"loss": losses["own"], "gap": losses["other"] - losses["own"], "spread": self.spread()}

    def spread(self) -> float:
        """Return the standard deviation over tokens of the encoder's output, by its size."""
        output = observe(self.model, self.validation[0]).states["encoder"].output
        assert output is not None
        return output.relative_spread

    def state(self) -> dict[str, Any]:
        """Return all that a training goes on with."""
        return {
            "model": self.model.state_dict(),
            "adam": self.adam.state_dict(),
            "bias": self.bias,
            "update": self.update,
            "random": torch.get_rng_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` has returned."""
        self.model.load_state_dict(state["model"])
        self.adam.load_state_dict(state["adam"])
        if self.bias is not None:
            self.bias.data.copy_(state["bias"])
        self.update = state["update"]
        torch.set_rng_state(state["random"])


def _chosen(layers: nn.Module, control: Control) -> Iterator[nn.Parameter]:
    """Yield the parameters of a stack's layers that have its factor."""
    for module in layers.modules():
        for name, parameter in module.named_parameters(recurse=False):
            norm = isinstance(module, nn.LayerNorm)
            kind = "norms" if norm else "biases" if name == "bias" else "matrices"
            if control.parts == "all" or kind in control.parts:
                yield parameter


def _centring(real: Tensor) -> Any:
    """Return a hook that takes the mean over real tokens (B, S) out of the gradient at a stack's output (B, S, D)."""

    def centred(gradient: Tensor) -> Tensor:
        weights = real.unsqueeze(-1).to(gradient)
        return gradient - weights * (gradient * weights).sum((0, 1)) / weights.sum()

    def hook(module: nn.Module, inputs: object, output: Any) -> None:
        states = output if isinstance(output, Tensor) else output[0]
        states.register_hook(centred)

    return hook


def _loss_with_bias(model: Model, states: Tensor, batch: ProbeBatch, bias: Tensor) -> tuple[Tensor, float, int]:
    logits = torch.nn.functional.linear(states.flatten(0, 1), model.output_projection.weight, bias)
    target, padding = batch.target.flatten(), model.config.padding_idx
    tokens = int(target.ne(padding).sum())
    smoothed = nn.functional.cross_entropy(logits, target, ignore_index=padding, reduction="sum", label_smoothing=0.1)
    nll = nn.functional.cross_entropy(logits.detach(), target, ignore_index=padding)
    return smoothed, nll.item(), tokens


def _log_frequencies(batches: list[ProbeBatch], vocabulary: int, padding: int) -> Tensor:
    """Return the log frequencies of the targets' tokens, each counted once more, without the padding."""
    counts = torch.ones(vocabulary)
    for batch in batches:
        counts += torch.bincount(batch.target[batch.target.ne(padding)], minlength=vocabulary)
    return (counts / counts.sum()).log()


def is_look(update: int) -> bool:
    """Whether the spread is taken after this update."""
    return update in LOOKS or (update <= 500 and update % 100 == 0)


def main(
    store: Annotated[Path, typer.Argument()],
    folder: Annotated[Path, typer.Option()],
    control: Annotated[str, typer.Option()],
    updates: Annotated[int, typer.Option()],
) -> None:
    """Train what *control* says; the curves go to training.log in *folder*, as fairseq's JSON lines."""
    torch.set_num_threads(1)
    training = Training(Control(**json.loads(control)), Store(store), updates)
    state, log = folder / STATE, folder / LOG
    if state.exists():
        training.restore(torch.load(state, weights_only=True))
        _cut(log, training.update)
    saved, losses = time.monotonic(), []
    while training.update < updates:
        losses.append(training.step())
        if not all(map(math.isfinite, losses[-1])):
            raise FloatingPointError(f"loss or gradient of update {training.update} is not finite")
        if training.update % 10 == 0:
            loss, norm = (sum(values) / len(losses) for values in zip(*losses, strict=True))
            _write(log, {"num_updates": str(training.update), "nll_loss": f"{loss:.4f}", "gnorm": f"{norm:.4g}"})
            losses = []
        if training.update % VALIDATION_INTERVAL == 0 or training.update == updates:
            figures = {f"valid_{name}": f"{value:.6g}" for name, value in training.validate().items()}
            _write(log, {"valid_num_updates": str(training.update), **figures})
        elif is_look(training.update):
            _write(log, {"valid_num_updates": str(training.update), "valid_spread": f"{training.spread():.6g}"})
        if time.monotonic() - saved > SECONDS_BETWEEN_SAVES and not losses:
            write_atomically(state, lambda path: torch.save(training.state(), path))
            saved = time.monotonic()
    state.unlink(missing_ok=True)


def _write(log: Path, entry: dict[str, str]) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"epoch": 1, **entry}) + "\n")


def _cut(log: Path, update: int) -> None:
    """Take out of the log what the training, which goes on from an earlier update, will write again."""
    kept = [
        line
        for line in log.read_text(encoding="utf-8").splitlines(keepends=True)
        if int(json.loads(line).get("num_updates", json.loads(line).get("valid_num_updates"))) <= update
    ]
    write_atomically(log, lambda path: path.write_text("".join(kept), encoding="utf-8"))


if __name__ == "__main__":
    typer.run(main)
