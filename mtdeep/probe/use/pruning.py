"""What the loss becomes when whole layers are taken out: each alone, and one after another, the cheapest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mtdeep.probe.use.interventions import taken_out
from mtdeep.probe.use.text import Text


@dataclass(frozen=True)
class Pruning:
    """Losses in nats per token.

    costs: what each of the layers costs that is taken out alone (DepthBench's layer pruning). order: the layers from
    the cheapest to the dearest. losses: the loss without the first k of them, k = 0, 1, ...: the curve of pruning.
    """

    layers: list[int]
    costs: list[float]
    order: list[int]
    losses: list[float]


def prune(text: Text, stack: str, layers: Sequence[int], advance: Callable[[], None] = lambda: None) -> Pruning:
    """Take some layers of a stack out, counted from 1; the stream passes them by."""
    module = text.model.stacks[stack]

    def loss_without(removed: Sequence[int]) -> float:
        with taken_out(module, removed):
            loss = text.loss(stack)
        advance()
        return loss

    whole = loss_without(())
    costs = {layer: loss_without([layer]) - whole for layer in layers}
    order = sorted(layers, key=lambda layer: (costs[layer], layer))
    # The cheapest alone was measured above.
    losses = [whole, whole + costs[order[0]], *(loss_without(order[:k]) for k in range(2, len(order) + 1))]
    return Pruning([*costs], [*costs.values()], order, losses)
