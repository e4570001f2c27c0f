"""What skipping costs, angular distances, shares and another source, against a forward pass that is written by hand.

In float64, but for our sinusoids, which are in float32.
"""

from __future__ import annotations

import math

import pytest
import torch
from by_hand import ByHand
from torch import Tensor

from mtdeep.probe.use.costs import skips
from mtdeep.probe.use.sources import sources
from mtdeep.probe.use.states import branch_states, distances
from mtdeep.probe.use.text import Text

LAYERS = 3
# DeepNet's alpha for N = M = 3: 0.81 (N^4 M)^(1/16) and (3 M)^(1/4) (arXiv 2203.00555, Figure 2).
ALPHAS = {"deepnorm": (0.81 * 3 ** (5 / 16), 9**0.25), "preln": None}
NAMES = {"self-attention": "self_attn", "cross-attention": "encoder_attn", "feed-forward": "fc"}


@pytest.fixture(params=ALPHAS)
def scheme(request: pytest.FixtureRequest) -> str:
    return request.param


def by_hand(text: Text, scheme: str, **changes: object) -> ByHand:
    return ByHand(text.model.state_dict(), LAYERS, ALPHAS[scheme], **changes)  # type: ignore[arg-type]


def loss_by_hand(text: Text, scheme: str, **changes: object) -> float:
    losses = [by_hand(text, scheme, **changes).loss(b.source, b.previous, b.target) for b in text.batches]
    return torch.cat(losses).mean().item()


def states_by_hand(text: Text, scheme: str, **changes: object) -> dict[str, list[tuple[Tensor, Tensor]]]:
    """Every branch's states of the real tokens, (tokens, D), before it joins and after, of every batch."""
    given: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for batch in text.batches:
        model = by_hand(text, scheme, **changes)
        model.loss(batch.source, batch.previous, batch.target)
        for name, states in model.states.items():
            real = (batch.source if name.startswith("encoder") else batch.previous).ne(1)
            given.setdefault(name, []).append(tuple(x[real] for x in states))  # type: ignore[arg-type]
    return given


def together(pairs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    return torch.cat([before for before, _ in pairs]), torch.cat([after for _, after in pairs])


def test_the_loss_itself(text, scheme: str) -> None:
    given = text(scheme)
    assert given.loss("encoder") == pytest.approx(loss_by_hand(given, scheme), rel=1e-7)
    assert given.loss("decoder") == given.loss("encoder")


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_what_skipping_costs(text, scheme: str, stack: str) -> None:
    given = text(scheme)
    whole = loss_by_hand(given, scheme)
    skipped = skips(given, stack, range(1, LAYERS + 1))
    assert len(skipped) == LAYERS * (2 if stack == "encoder" else 3)
    for skip in skipped:
        zeros = frozenset([f"{stack} {skip.layer} {NAMES[skip.kind]}"])
        assert skip.cost == pytest.approx(loss_by_hand(given, scheme, zeros=zeros) - whole, abs=1e-7)
        assert abs(skip.cost) > 1e-5


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_causal_scores(text, scheme: str, stack: str) -> None:
    """||u_l (skipped) - u_l|| / ||u_l||, u_l being what layer l changes from its first branch to behind its last."""
    given = text(scheme)

    def changes(**changed: object) -> list[Tensor]:
        states = states_by_hand(given, scheme, **changed)
        ends = ((together(states[f"{stack} {n} {x}"]) for x in ("self_attn", "fc")) for n in range(1, LAYERS + 1))
        return [after - before for (before, _), (_, after) in ends]

    own = changes()
    for skip in skips(given, stack, range(1, LAYERS + 1)):
        other = changes(zeros=frozenset([f"{stack} {skip.layer} {NAMES[skip.kind]}"]))
        expected = [
            ((other[above] - own[above]).norm(dim=1).mean() / own[above].norm(dim=1).mean()).item()
            for above in range(skip.layer, LAYERS)
        ]
        assert skip.effects == pytest.approx(expected, rel=1e-5)
        assert skip.effect == (pytest.approx(sum(expected) / len(expected)) if expected else None)


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_angular_distances_and_shares(text, scheme: str, stack: str) -> None:
    given = text(scheme)
    states = states_by_hand(given, scheme)
    of_layer = dict.fromkeys(range(1, LAYERS + 1), 0.0)
    for branch in branch_states(given, stack, range(1, LAYERS + 1)):
        before, after = together(states[f"{stack} {branch.layer} {NAMES[branch.kind]}"])
        cosine = (before * after).sum(1) / (before.norm(dim=1) * after.norm(dim=1))
        assert branch.distance == pytest.approx((torch.arccos(cosine) / math.pi).mean().item(), rel=1e-5)
        changed = {
            name: float((after - before).norm(dim=1).mean())
            for name in NAMES.values()
            if (key := f"{stack} {branch.layer} {name}") in states
            for before, after in [together(states[key])]
        }
        assert branch.share == pytest.approx(changed[NAMES[branch.kind]] / sum(changed.values()), rel=1e-5)
        of_layer[branch.layer] += branch.share
    assert of_layer == pytest.approx(dict.fromkeys(of_layer, 1.0))


def test_angular_distances_between_depths(text, scheme: str) -> None:
    given = text(scheme)
    states = states_by_hand(given, scheme)
    first, _ = together(states["decoder 1 self_attn"])
    _, behind_two = together(states["decoder 2 fc"])
    cosine = torch.cosine_similarity(first, behind_two, dim=1)
    measured = distances(given, "decoder", [1, 2])
    assert measured.depths == [0, 1, 2]
    assert measured.matrix[0][2] == pytest.approx((torch.arccos(cosine) / math.pi).mean().item(), rel=1e-5)
    assert measured.matrix[2][0] == pytest.approx(measured.matrix[0][2])
    assert [measured.matrix[depth][depth] for depth in range(3)] == pytest.approx([0, 0, 0], abs=1e-7)


def test_another_source_in_one_layer(text, scheme: str) -> None:
    """The other layers read their own source; all together they cost what another source costs the model."""
    given = text(scheme)

    def loss(layers: frozenset[int]) -> float:
        losses = [
            by_hand(given, scheme, other_source=layers).loss(b.source, b.previous, b.target, b.others.source)
            for b in given.batches
        ]
        return torch.cat(losses).mean().item()

    measured = sources(given, [1, 3])
    own = loss(frozenset())
    assert measured.nll == pytest.approx(own, rel=1e-7)
    assert measured.layers == [1, 3] and measured.sentences == sum(len(batch.source) for batch in given.batches)
    for layer, cost in zip(measured.layers, measured.costs, strict=True):
        assert cost == pytest.approx(loss(frozenset([layer])) - own, abs=1e-7)
    assert measured.together == pytest.approx(loss(frozenset([1, 2, 3])) - own, abs=1e-7)
    swapped = Text(given.model, [pair[1] for batch in given.batches if (pair := batch.with_another_source())])
    assert measured.together == pytest.approx(swapped.loss("encoder") - own, abs=1e-7)
