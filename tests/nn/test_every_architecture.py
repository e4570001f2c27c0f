"""Every scheme as encoder-decoder, as decoder alone and as encoder alone, and every option of the skipless one:

a training step, a file and a fresh process, decoding step by step, checkpointed activations, padding, bfloat16 at 200
layers, compilation of the whole and of single layers.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters
from torch.nn import functional as F

from mtdeep.nn import Config, LanguageModel, Model, build_model
from mtdeep.nn.config import SKIPLESS
from mtdeep.nn.scheme import SCHEMES

PAD = 1
ROTARY = {"encoder_positions": "rotary", "decoder_positions": "rotary"}
KINDS = {"both": {}, "decoder alone": {"encoder_layers": 0}, "encoder alone": {"decoder_layers": 0}}
PLAIN = {f"{scheme}, {kind}": {"scheme": scheme, **changes} for scheme in SCHEMES for kind, changes in KINDS.items()}
SKIPLESS_ONES = {
    f"vanilla, {shaping}, {setting}, {kind}": {
        "scheme": "vanilla",
        **SKIPLESS,
        "shaping": shaping,
        **changes,
        **of_kind,
    }
    for shaping in ("espa", "uspa", "value_skipinit")
    for setting, changes in (("neither", {}), ("norm", {"branch_norm": True}), ("skips", {"skip_alpha": 0.98}))
    for kind, of_kind in KINDS.items()
    if setting == "neither" or kind == "both"
}
TURNED = {f"{scheme}, rotary": {"scheme": scheme, **ROTARY} for scheme in SCHEMES}
WARMING = {
    f"{scheme}, warming up": {
        "scheme": scheme,
        "branch_warm_up": 6,
        **({"skip_alpha": 0.9} if scheme == "vanilla" else {}),
    }
    for scheme in SCHEMES
}
VARIANTS = {**PLAIN, **SKIPLESS_ONES, **TURNED, **WARMING}
DECODERS = [name for name, changes in VARIANTS.items() if changes.get("decoder_layers") != 0]
EVERY = pytest.mark.parametrize("name", VARIANTS)
UPDATES = 4  # of those that warm up, no branch has its whole weight
Make = Callable[..., Model]

FRESH = """
import sys
from pathlib import Path
import torch
from mtdeep.checkpoint import Checkpoint, Provenance
from mtdeep.nn import Config
torch.set_default_dtype(torch.float64)
for path in sys.argv[1:]:
    saved = torch.load(path, weights_only=True)
    provenance = Provenance(updates=saved["updates"])
    model = Checkpoint(Path(path), Config.from_dict(saved["config"]), saved["model"], provenance).model()
    with torch.no_grad():
        torch.save(model.features(saved["source"], saved["target"]), path + ".out")
"""


@pytest.fixture
def make(small: Config) -> Make:
    """Return a maker of models in float64 by the name of the variant, some fields changed.

    Biases, normalisations and gates are moved from where they start, which hides mistakes.
    """

    def build(name: str, **changes: object) -> Model:
        model = build_model(replace(small, **{**VARIANTS[name], **changes})).double()  # type: ignore[arg-type]
        model.set_num_updates(UPDATES)
        for parameter in model.parameters():
            if parameter.dim() == 1:
                torch.nn.init.normal_(parameter.data, mean=float(parameter.data.mean()), std=0.1)
        return model

    return build


def pair() -> tuple[Tensor, Tensor]:
    """Three sentences, the first of each side padded."""
    source, target = torch.randint(4, 40, (3, 7)), torch.randint(4, 40, (3, 6))
    source[0, 4:] = target[0, 3:] = PAD
    return source, target


def loss(model: Model, source: Tensor, target: Tensor) -> Tensor:
    logits = model.output_projection(model.features(source, target))
    wanted = target if "decoder" in model.stacks else source
    return F.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), ignore_index=PAD)


def check_gradients(model: Model, *, reached: bool) -> None:
    """Every gradient is there and finite; where the loss has *reached* all, no matrix's is zero.

    Gates that are 0 keep it from what is behind them, but for the first step.
    """
    for name, p in model.named_parameters():
        assert p.grad is not None and bool(p.grad.isfinite().all()), name
        if reached and p.dim() == 2:
            assert bool(p.grad.any()), name


@EVERY
def test_training_steps_lower_the_loss(make: Make, name: str) -> None:
    model = make(name)
    source, target = pair()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for step in range(8):
        optimizer.zero_grad()
        value = loss(model, source, target)
        value.backward()
        check_gradients(model, reached=step > 0)
        optimizer.step()
        losses.append(value.item())
    assert losses[-1] < losses[0] - 0.3


@torch.no_grad()
def test_a_fresh_process_says_the_same(make: Make, tmp_path: Path, run_command) -> None:
    expected = {}
    for number, name in enumerate(VARIANTS):
        model = make(name).eval()
        source, target = pair()
        expected[name] = model.features(source, target)
        saved = {"config": model.config.to_dict(), "model": model.state_dict(), "updates": model.num_updates}
        saved |= {"source": source, "target": target}
        torch.save(saved, tmp_path / str(number))
    files = [tmp_path / str(number) for number in range(len(VARIANTS))]
    result = run_command("python", "-c", FRESH, *files)
    assert result.returncode == 0, result.stderr
    for file, (name, features) in zip(files, expected.items(), strict=True):
        assert torch.equal(torch.load(f"{file}.out", weights_only=True), features), name


@EVERY
def test_copies_are_the_same_model(make: Make, name: str) -> None:
    """By deepcopy (averaging of weights) and by pickle (another process)."""
    model = make(name).eval()
    source, target = pair()
    features = model.features(source, target)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(copied.features(source, target), features)


@torch.no_grad()
@pytest.mark.parametrize("name", DECODERS)
def test_step_by_step_equals_at_once(make: Make, name: str) -> None:
    """In a cache that grows beyond its first capacity and, for shaped attention, its first table."""
    model = make(name).eval()
    decoder = model.stacks["decoder"]
    target = torch.randint(4, 40, (3, 70))
    if isinstance(model, LanguageModel):
        cache, whole = decoder.new_source_free_cache(3), model(target)
    else:
        encoded = model.stacks["encoder"](pair()[0])
        cache, whole = decoder.new_cache(encoded), decoder(target, encoded)
    steps = [decoder(target[:, :2], None, cache), decoder(target[:, 2:5], None, cache)]
    steps += [decoder(target[:, t : t + 1], None, cache) for t in range(5, 40)]
    cache.reorder(torch.tensor([2, 0]))
    steps = [step[[2, 0]] for step in steps]
    steps += [decoder(target[[2, 0], t : t + 1], None, cache) for t in range(40, 70)]
    torch.testing.assert_close(torch.cat(steps, dim=1), whole[[2, 0]], rtol=0, atol=1e-10)


@EVERY
def test_checkpointed_activations_give_the_same_gradients(make: Make, name: str) -> None:
    source, target = pair()
    gradients = []
    for checkpointed in (False, True):
        torch.manual_seed(5)
        probabilities = dict.fromkeys(("dropout", "attention_dropout", "activation_dropout"), 0.1)
        model = make(name, checkpoint_activations=checkpointed, **probabilities).train()
        torch.manual_seed(11)
        model.features(source, target).square().sum().backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for parameter, gradient in gradients[0].items():
        assert torch.equal(gradient, gradients[1][parameter]), parameter


@torch.no_grad()
@EVERY
def test_padding_changes_nothing(make: Make, name: str) -> None:
    model = make(name).eval()
    source, target = torch.randint(4, 40, (2, 5)), torch.randint(4, 40, (2, 4))
    alone = model.features(source, target)
    filler = torch.full((2, 3), PAD)
    other, longer_target = torch.randint(4, 40, (1, 8)), torch.cat([target, filler], dim=1)
    padded_target = torch.cat([torch.randint(4, 40, (1, 7)), longer_target])
    for left in (False, True):
        padded = torch.cat([filler, source] if left else [source, filler], dim=1)
        found = model.features(torch.cat([other, padded]), padded_target)[1:]
        start = 3 if left and "decoder" not in model.stacks else 0
        torch.testing.assert_close(found[:, start : start + alone.size(1)], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "name",
    [
        name if name.endswith("both") else pytest.param(name, marks=pytest.mark.slow)
        for name in (*PLAIN, *SKIPLESS_ONES)
    ],
)
def test_bfloat16_is_finite_at_two_hundred_layers(small: Config, name: str) -> None:
    changes = {"encoder_layers": 100, "decoder_layers": 100, **VARIANTS[name]}
    alone = 0 in changes.values()
    layers = {key: 200 for key in ("encoder_layers", "decoder_layers") if alone and changes[key]}
    model = build_model(replace(small, **{**changes, **layers}))  # type: ignore[arg-type]
    source, target = pair()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(model, source, target)
    value.backward()
    assert bool(value.isfinite())
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())


TO_COMPILE = [name for name in (*PLAIN, *SKIPLESS_ONES) if name.endswith("both")] + [
    "deepnorm, rotary",
    "deepnorm, warming up",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", TO_COMPILE)
def test_compiled_equals_eager(make: Make, name: str) -> None:
    torch.compiler.reset()
    counters.clear()
    model = make(name, encoder_layers=1, decoder_layers=1)
    source, target = pair()
    results = []
    for run in (loss, torch.compile(loss)):
        model.zero_grad()
        value = run(model, source, target)
        value.backward()
        results.append((value.detach(), {name: p.grad.clone() for name, p in model.named_parameters()}))
    assert counters["aot_autograd"]["ok"] > 0  # something was compiled; that padding is looked at breaks the graph
    (eager, gradients), (compiled, found) = results
    torch.testing.assert_close(compiled, eager, rtol=0, atol=1e-6)  # the loss is in float32
    torch.testing.assert_close(found, gradients, rtol=0, atol=1e-6)


# For each way in which layers may differ or be odd: none, two streams, gates, factors, a first layer, two streams
# within a layer, matrices of their own, angles.
ODD_LAYERS = (
    "deepnorm, both",
    "residual, both",
    "rezero, both",
    "lns, both",
    "keel, both",
    "b2t, both",
    "vanilla, espa, neither, both",
    "deepnorm, rotary",
)


@torch.no_grad()
@pytest.mark.slow
@pytest.mark.parametrize("name", ODD_LAYERS)
def test_layers_compiled_one_by_one_share_their_graphs(make: Make, name: str) -> None:
    """However many layers there are and however long the sentences, and with no break in any of them."""
    graphs = []
    for depth in (2, 4):
        torch.compiler.reset()
        counters.clear()
        model = make(name, encoder_layers=depth, decoder_layers=depth).eval()
        source, target = pair()
        model.features(source, target.repeat(1, 3))  # makes the tables, which else is part of the first graphs
        for stack in model.stacks.values():
            for layer in stack.layers:
                layer.compile(backend="eager", dynamic=True)
        for repeats in (1, 2, 3):  # the second shows that lengths vary; the third is to find its graphs there
            longer = torch.cat([source, torch.randint(4, 40, (3, repeats))], dim=1)
            model.features(longer, target.repeat(1, repeats))
            graphs.append(counters["stats"]["unique_graphs"])
        assert not counters["graph_break"]
    assert graphs[:3] == graphs[3:]
    assert graphs[2] == graphs[1] > 0
