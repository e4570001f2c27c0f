"""What the rates by depth do to a model's first updates, and that the probe's updates have those of the training."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mtdeep.checkpoint import load_plain
from mtdeep.corpus.vocabulary import EOS, SPECIALS
from mtdeep.errors import UserError
from mtdeep.nn import EncoderDecoder
from mtdeep.nn.factors import DepthRates
from mtdeep.probe import Data, Settings, from_checkpoint, made_up_batches, probe, sweep, swept
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.updates import Trainer

LETTERS = 26


def spelt_backwards(words: int) -> ProbeBatch:
    """Words of 4 to 12 letters, whose translation is the word spelt backwards."""
    lengths = torch.randint(4, 13, (words,)).tolist()
    spelt = [torch.randint(len(SPECIALS), len(SPECIALS) + LETTERS, (length,)) for length in lengths]
    end = torch.tensor([EOS])

    def padded(rows: list[tuple[Tensor, Tensor]]) -> Tensor:
        return pad_sequence([torch.cat(row) for row in rows], batch_first=True, padding_value=1)

    return ProbeBatch(
        source=padded([(word, end) for word in spelt]),
        previous=padded([(end, word.flip(0)) for word in spelt]),
        target=padded([(word.flip(0), end) for word in spelt]),
    )


@torch.no_grad()
def encoded(model: EncoderDecoder, batch: ProbeBatch) -> Tensor:
    """Return what the encoder makes of the tokens of a batch, (tokens, width)."""
    return model.eval().encoder(batch.source).states[batch.source.ne(1)]


def rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


@pytest.mark.parametrize(("rule", "keeps_tokens_apart"), [("none", False), ("adam", True)])
def test_a_deep_encoder_is_lost_without_the_rule(rule: DepthRates, keeps_tokens_apart: bool, candidate) -> None:
    """18-18, at a rate of 4e-3 after a warm-up of 40: the spread of the encoder's output over tokens, over its rms.

    0.89 at the start; after 50 updates 0.0007 without the rule, 0.90 with it (after 120, 0.0006 and 0.97).
    """
    model = candidate("deepnorm", 36).build(1)
    trainer = Trainer(model, learning_rate=4e-3, warmup=40, depth_rates=rule)
    torch.manual_seed(1)
    for _ in range(50):
        batch = spelt_backwards(words=16)
        trainer.update(batch)
    states = encoded(model, batch)
    spread = rms(states - states.mean(0)) / rms(states)
    assert spread > 0.3 if keeps_tokens_apart else spread < 0.01


def test_the_first_update_under_the_rule_does_not_grow_with_depth() -> None:
    """6-6, 18-18 and 50-50: by how much it moves the encoder's output, for all tokens alike, over its rms and the rate.

    Exponents of the depth with this seed: 0.53 without the rule, -0.08 with it; of two others 0.50, 0.56, -0.12, -0.07.
    """
    depths = (6, 18, 50)
    shifts: dict[DepthRates, list[float]] = {"none": [], "adam": []}
    for chosen in swept(["deepnorm"], [2 * depth for depth in depths], width=16, vocabulary_size=128):
        (batch,) = made_up_batches(chosen.config, 1, tokens=128, seed=1)
        for rule, moved in shifts.items():
            model = chosen.build(1)
            before = encoded(model, batch)
            Trainer(model, learning_rate=1e-6, warmup=0, depth_rates=rule).update(batch)
            moved.append(rms((encoded(model, batch) - before).mean(0)) / rms(before) / 1e-6)
    exponents = {rule: exponent(depths, moved) for rule, moved in shifts.items()}
    assert exponents["none"] > 0.3
    assert abs(exponents["adam"]) < 0.2


def exponent(x: tuple[int, ...], y: list[float]) -> float:
    """Return the slope of the line through the logarithms, by least squares."""
    logs = torch.tensor([[math.log(value) for value in values] for values in (x, y)], dtype=torch.float64)
    from_mean = logs - logs.mean(1, keepdim=True)
    return float((from_mean[0] * from_mean[1]).sum() / from_mean[0].square().sum())


@pytest.mark.parametrize("precision", ["fp32", "bf16", "amp"])
def test_updates_have_the_rules_rate(precision: str, candidate) -> None:
    """Against the first update without it; three layers that three read have 0.87 / 0.81 (3^4 3)^(-1/8) = 0.54057."""
    chosen = candidate("deepnorm", 6)
    (batch,) = made_up_batches(chosen.config, 1, tokens=100, seed=1)
    steps: dict[DepthRates, dict[str, Tensor]] = {}
    rules: tuple[DepthRates, ...] = ("none", "adam")
    for rule in rules:
        model = chosen.build(1).to(torch.bfloat16 if precision == "bf16" else torch.float32)
        trainer = Trainer(model, learning_rate=0.01, warmup=0, autocast=precision == "amp", depth_rates=rule)
        masters = dict(zip(dict(model.named_parameters()), trainer._masters, strict=True))
        before = {name: master.detach().clone() for name, master in masters.items()}
        trainer.update(batch)
        steps[rule] = {name: master.detach() - before[name] for name, master in masters.items()}
    for name, step in steps["none"].items():
        expected = step * (0.54057 if name.startswith("encoder.layers.") else 1)
        torch.testing.assert_close(steps["adam"][name], expected, rtol=1e-4, atol=1.2e-7)
        assert step.any(), name


@pytest.fixture
def rated(tiny_config, save_model, tmp_path: Path) -> Callable[[str], Path]:
    """Return a writer of checkpoints whose training had a rule."""

    def write(rule: str) -> Path:
        path = save_model(tmp_path / "plain.pt", EncoderDecoder(tiny_config(64)))
        state = load_plain(path)
        state["optimizer_history"][-1]["depth_rates"] = rule
        torch.save(state, tmp_path / "rated.pt")
        return tmp_path / "rated.pt"

    return write


def test_a_checkpoint_is_probed_with_the_rates_of_its_training(
    rated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless another rule is given; another rule is measured anew."""
    monkeypatch.setattr(sweep.pictures, "draw_all", lambda records, folder: [])  # most of the time, and not looked at
    candidates = [from_checkpoint(rated("adam")), *swept(["preln"], [4], width=16, vocabulary_size=64)]
    page = tmp_path / "out" / "index.html"
    losses = {}
    for given, rules in ((None, ["adam", "none"]), ("none", ["none", "none"])):
        settings = Settings(steps=2, learning_rate=0.01, batch_tokens=60, depth_rates=given)
        report = probe(candidates, settings, Data(), tmp_path / "out")
        assert [record["depth_rates"] for record in report.records] == rules
        assert ("seed 1; rated with --depth-rates adam." in page.read_text()) == ("adam" in rules)
        losses[given] = [record["updates"][1]["nll"] for record in report.records]
    assert losses[None][0] != losses["none"][0]
    assert losses[None][1] == losses["none"][1]


@pytest.mark.parametrize(
    ("rule", "given", "sentence"),
    [
        ("late", None, "rated: --depth-rates: 'late' is none of the rules none, adam, completep: give one of them."),
        (
            "none",
            "adam",
            "preln 2-2: --depth-rates: no rule 'adam' was found for scheme preln, which trains without one: leave it "
            "out.",
        ),
    ],
)
def test_a_rule_that_a_candidate_does_not_have(
    rule: str, given: DepthRates | None, sentence: str, rated, tmp_path: Path
) -> None:
    """Given for a sweep, it is that of the models that have it; of a checkpoint it is part of its training."""
    candidates = [from_checkpoint(rated(rule))] if given is None else []
    candidates += swept(["preln", "postln"], [4], width=16, vocabulary_size=64)
    with pytest.raises(UserError) as problem:
        probe(candidates, Settings(steps=1, batch_tokens=60, depth_rates=given), Data(), tmp_path / "out")
    assert str(problem.value) == sentence
    assert not (tmp_path / "out").exists()


def test_a_rule_is_that_of_the_candidates_that_have_it(tmp_path: Path) -> None:
    candidates = swept(["preln", "deepnorm"], [4], width=16, vocabulary_size=64)
    settings = Settings(steps=1, batch_tokens=60, depth_rates="adam")
    report = probe(candidates, settings, Data(), tmp_path / "out")
    assert [record["depth_rates"] for record in report.records] == ["none", "adam"]
