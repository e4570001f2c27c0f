"""What is read off at a depth, and what pruning leaves, in every scheme and with either stack alone."""

from __future__ import annotations

import pytest
import torch

from mtdeep.probe.objective import features
from mtdeep.probe.use.lens import readings
from mtdeep.probe.use.pruning import prune

SCHEMES = ("deepnorm", "subln", "residual", "rezero", "dsinit", "postln", "preln", "vanilla")
MODELS = [(scheme, "both", stack) for scheme in SCHEMES for stack in ("encoder", "decoder")]
MODELS += [("residual", "decoder alone", "decoder"), ("preln", "encoder alone", "encoder")]


@pytest.mark.parametrize(("scheme", "stacks", "stack"), MODELS)
def test_at_the_last_depth_it_is_the_models_own(text, scheme: str, stacks: str, stack: str) -> None:
    given = text(scheme, stacks)
    last = readings(given, stack, [1, 2, 3])[-1]
    assert last.depth == 3 and last.overlap == 1
    assert last.nll == pytest.approx(given.loss(stack), rel=1e-12)
    assert last.divergence == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("scheme", "stacks", "stack"), MODELS)
def test_without_any_layer_is_what_is_read_off_at_the_embeddings(text, scheme: str, stacks: str, stack: str) -> None:
    """And without none it is the model's loss; the first that goes is the one that costs least."""
    given = text(scheme, stacks)
    pruning = prune(given, stack, [1, 2, 3])
    assert pruning.losses[0] == given.loss(stack)
    assert pruning.losses[1] == pytest.approx(pruning.losses[0] + min(pruning.costs))
    assert pruning.losses[3] == pytest.approx(readings(given, stack, [1, 2, 3])[0].nll, rel=1e-12)
    assert [pruning.costs[layer - 1] for layer in pruning.order] == sorted(pruning.costs)


def test_of_another_distribution(text) -> None:
    """Against softmax, KL and common tokens that are computed one by one, at the embeddings of a language model."""
    given = text("postln", "decoder alone")
    decoder, weight = given.model.decoder, given.model.output_projection.weight
    nll, divergence, common, tokens = 0.0, 0.0, 0, 0
    with torch.no_grad():
        for batch in given.batches:
            ours = torch.softmax(features(given.model, batch) @ weight.T, -1)
            there = torch.softmax(decoder._embed(batch.previous, None) @ weight.T, -1)
            for row, column in batch.target.ne(1).nonzero().tolist():
                p, q = ours[row, column].tolist(), there[row, column].tolist()
                tokens += 1
                nll -= torch.tensor(q[batch.target[row, column]], dtype=torch.float64).log().item()
                divergence += sum(a * (torch.tensor(a / b, dtype=torch.float64).log().item()) for a, b in zip(p, q))
                best = [set(sorted(range(len(x)), key=lambda word, x=x: -x[word])[:5]) for x in (p, q)]
                common += len(best[0] & best[1])
    first = readings(given, "decoder", [1])[0]
    assert tokens == given.tokens
    assert (first.nll, first.divergence, first.overlap) == pytest.approx(
        (nll / tokens, divergence / tokens, common / (5 * tokens)), rel=1e-9
    )
