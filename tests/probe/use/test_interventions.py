"""What is changed is what was meant, and nothing of it stays: branches, layers, and their modules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from mtdeep.nn.scheme import SCHEMES
from mtdeep.probe.use.branches import even_sample, kinds_of
from mtdeep.probe.use.costs import skips, swaps
from mtdeep.probe.use.interventions import skipped, swapped, taken_out
from mtdeep.probe.use.lens import readings
from mtdeep.probe.use.pruning import prune
from mtdeep.probe.use.sources import sources
from mtdeep.probe.use.states import branch_states, distances
from mtdeep.probe.use.text import Text

LAST_MATRICES = ("self_attn.out_proj", "encoder_attn.out_proj", "fc2")


def silence(layer, *names: str) -> None:  # type: ignore[no-untyped-def]
    """Make branches of a layer give zeros: the last matrix and its bias are 0."""
    for name in names:
        last = layer.get_submodule(name)
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)


def test_a_branch_that_is_zero_costs_nothing_and_moves_nothing(text) -> None:
    given = text("preln")
    silence(given.model.decoder.layers[1], "encoder_attn.out_proj")
    (skip,) = (s for s in skips(given, "decoder", [1, 2, 3]) if (s.layer, s.kind) == (2, "cross-attention"))
    assert (skip.cost, skip.effects, skip.effect) == (0.0, [0.0], 0.0)
    (states,) = (s for s in branch_states(given, "decoder", [2]) if s.kind == "cross-attention")
    assert (states.distance, states.share) == (pytest.approx(0, abs=1e-7), 0.0)
    measured = sources(given, [1, 2])
    assert measured.costs[1] == 0.0 != measured.costs[0]


def test_a_layer_that_is_the_identity_costs_nothing(text) -> None:
    """Skipped branch by branch, taken out, swapped with one like it; and nothing new is read off behind it."""
    given = text("preln")
    silence(given.model.encoder.layers[1], "self_attn.out_proj", "fc2")
    assert [skip.cost for skip in skips(given, "encoder", [2])] == [0.0, 0.0]
    pruning = prune(given, "encoder", [1, 2, 3])
    assert pruning.costs[1] == 0.0 and pruning.losses[0] == given.loss("encoder")
    assert sorted(pruning.order) == [1, 2, 3]
    at = readings(given, "encoder", [1, 2, 3])
    assert at[2].nll == at[1].nll != at[3].nll


@pytest.mark.parametrize("scheme", ["preln", "deepnorm", "rezero"])
def test_swapping_equal_layers_costs_nothing(text, scheme: str) -> None:
    given = text(scheme)
    layers = given.model.decoder.layers
    layers[1].load_state_dict(layers[0].state_dict())
    by_layer = {(swap.layer, swap.kind): swap for swap in swaps(given, "decoder", [1, 2, 3])}
    assert all(by_layer[1, kind].cost == by_layer[1, kind].score == 0 for kind in kinds_of(layers[0]))
    assert all(by_layer[2, kind].cost != 0 for kind in kinds_of(layers[0]))
    assert all(layer < 3 for layer, _ in by_layer)  # the highest has no neighbour above


def test_swapping_every_branch_is_swapping_the_layers(text) -> None:
    """In a copy whose two layers have each other's tensors."""
    given, twin = text("subln"), text("subln")
    tensors = twin.model.state_dict()
    one, other = ({k: v for k, v in tensors.items() if f"encoder.layers.{n}." in k} for n in (0, 1))
    exchanged = {k.replace(".layers.0.", ".layers.1."): v for k, v in one.items()}
    exchanged |= {k.replace(".layers.1.", ".layers.0."): v for k, v in other.items()}
    twin.model.load_state_dict({**tensors, **{k: v.clone() for k, v in exchanged.items()}})
    layers = given.model.encoder.layers
    with swapped(layers[0], layers[1], "self-attention"), swapped(layers[0], layers[1], "feed-forward"):
        assert given.loss("encoder") == twin.loss("encoder") != text("subln").loss("encoder")


def test_rezeros_factor_which_is_of_all_branches_goes_with_each(text) -> None:
    low, high, _ = text("rezero").model.decoder.layers
    gates = low.final_layer_norm, high.final_layer_norm
    with swapped(low, high, "feed-forward"):
        assert (low.final_layer_norm, high.final_layer_norm) == gates[::-1]
        assert (low.self_attn_layer_norm, high.encoder_attn_layer_norm) == gates


def test_layers_that_are_taken_out(text) -> None:
    """Without its highest layer, a stack puts out what is read off one layer below."""
    given = text("postln")
    with taken_out(given.model.decoder, [3]):
        assert given.loss("decoder") == readings(text("postln"), "decoder", [1, 2])[2].nll


def test_a_skipped_branch_keeps_its_residual_and_its_normalisation(text) -> None:
    """DeepNorm: LN(alpha x + 0), which is not x."""
    given = text("deepnorm")
    layer = given.model.encoder.layers[0]
    states = []
    handle = layer.register_forward_hook(lambda module, inputs, output: states.append((inputs[0], output)))
    with skipped(layer, "self-attention"), skipped(layer, "feed-forward"):
        given.loss("encoder")
    handle.remove()
    x, output = states[0]
    alpha = layer.residuals["self_attn"].alpha
    once = layer.self_attn_layer_norm(alpha * x)
    assert torch.equal(output, layer.final_layer_norm(alpha * once))


def everything(text: Text) -> Iterator[object]:
    for stack in text.model.stacks:
        for measured in (branch_states, distances, skips, swaps, readings, prune):
            yield measured(text, stack, [1, 2, 3])
    yield sources(text, [1, 2, 3]) if text.encoded else None


@pytest.mark.parametrize(
    ("scheme", "stacks"),
    [
        *((scheme, "both") for scheme in SCHEMES),
        ("residual", "decoder alone"),
        ("deepnorm", "encoder alone"),
    ],
)
def test_every_scheme_and_nothing_stays(text, scheme: str, stacks: str) -> None:
    """Twice the same numbers; the loss, the tensors and the modules are those of before, and there is no hook."""
    given = text(scheme, stacks)
    model = given.model
    loss, tensors = given.loss("encoder"), {k: v.clone() for k, v in model.state_dict().items()}
    modules = dict(model.named_modules(remove_duplicate=False))
    residuals = [dict(layer.residuals) for stack in model.stacks.values() for layer in stack.layers]
    assert [*everything(given)] == [*everything(given)]
    assert given.loss("encoder") == loss
    assert all(torch.equal(value, tensors[name]) for name, value in model.state_dict().items())
    assert dict(model.named_modules(remove_duplicate=False)) == modules
    assert residuals == [layer.residuals for stack in model.stacks.values() for layer in stack.layers]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_an_error_leaves_the_model_as_it_was(text) -> None:
    given = text("preln")
    low, high, _ = given.model.encoder.layers
    loss, modules = given.loss("encoder"), [low.fc1, high.fc1]
    with pytest.raises(KeyboardInterrupt), swapped(low, high, "feed-forward"), taken_out(given.model.encoder, [1]):
        raise KeyboardInterrupt
    assert [low.fc1, high.fc1] == modules and given.loss("encoder") == loss


@pytest.mark.parametrize(
    ("layers", "at_most", "sample"),
    [
        (3, 64, [1, 2, 3]),
        (21, 21, list(range(1, 22))),
        (5, 3, [1, 3, 5]),
        (100, 4, [1, 34, 67, 100]),
    ],
)
def test_an_even_sample(layers: int, at_most: int, sample: list[int]) -> None:
    assert even_sample(layers, at_most) == sample


def test_a_large_sample_has_no_layer_twice() -> None:
    for layers in (33, 65, 100, 500):
        for at_most in (21, 32, 64):
            sample = even_sample(layers, at_most)
            assert sample == sorted(set(sample)) and len(sample) == min(layers, at_most)
            assert sample[0] == 1 and sample[-1] == layers
