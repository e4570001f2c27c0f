"""Verdicts on configurations whose fate is known: from the papers, and from training them on (docs/probe.md)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mtdeep.checkpoint import Provenance
from mtdeep.probe import Age, Settings, judge
from mtdeep.probe.measure import Measurement
from mtdeep.probe.thresholds import SOURCE_UNHEARD
from mtdeep.probe.verdict import LOST_GRADIENT, STEEP_GRADIENT

SETTINGS = Settings()
OLD, YOUNG = Age(updates=20_000, warmup=4000), Age(updates=300, warmup=4000)


def outcome(measured: Measurement, **changes: object) -> str:
    return judge(measured, replace(SETTINGS, **changes), None).outcome


@pytest.mark.parametrize(("scheme", "depth"), [("deepnorm", 12), ("deepnorm", 36), ("preln", 12), ("preln", 36)])
def test_known_good(probed, scheme: str, depth: int) -> None:
    assert outcome(probed(scheme, depth)) == "trains"


def test_rezero_whose_encoder_has_no_gradient_before_the_first_update(probed) -> None:
    assert outcome(probed("rezero", 12)) == "trains"


def test_post_ln_at_depth_without_warm_up(probed) -> None:
    verdict = judge(probed("postln", 36), SETTINGS, None)
    assert verdict.outcome == "will not train"
    (decoder,) = (check for check in verdict.checks if check.name == "decoder gradient")
    assert decoder.number < decoder.threshold == LOST_GRADIENT
    assert decoder.sentence in verdict.sentence and f"lost below {LOST_GRADIENT:g}" in decoder.sentence
    assert f"{decoder.number:.2g} after 10, there from layer 18 to layer 1 (" in decoder.sentence


def with_gradients(measured: Measurement, layers: list[float]) -> Measurement:
    """The decoder's gradients after the updates are these."""
    decoder = replace(measured.end.gradients["decoder"], layers=layers)
    return replace(measured, end=replace(measured.end, gradients={**measured.end.gradients, "decoder": decoder}))


def test_a_gradient_that_is_lost_in_the_middle(probed) -> None:
    """Skips may carry it past a layer down to the lowest, so that lowest by highest says nothing."""
    verdict = judge(with_gradients(probed("deepnorm", 4), [1.0, 5e-5, 0.8, 1.1]), SETTINGS, None)
    assert verdict.outcome == "will not train"
    assert "falls to" in verdict.sentence and "4.5e-05 after 10, there from layer 4 to layer 2 (" in verdict.sentence
    assert outcome(with_gradients(probed("deepnorm", 4), [1.0, 5e-3, 0.8, 1.1])) == "at risk"


def test_a_gradient_that_explodes_on_its_way_down(probed) -> None:
    verdict = judge(with_gradients(probed("deepnorm", 4), [3.0, 300.0, 9.0, 1.0]), SETTINGS, None)
    assert verdict.outcome == "at risk"
    assert f"300 times after 10, there from layer 4 to layer 2 (explodes above {STEEP_GRADIENT:g})" in verdict.sentence
    assert outcome(with_gradients(probed("deepnorm", 4), [3.0, 30.0, 9.0, 1.0])) == "trains"


@pytest.mark.parametrize("depth", [12, 36])
def test_neither_skips_nor_normalisation(probed, depth: int) -> None:
    assert outcome(probed("preln", depth, bare=True)) == "will not train"


def test_what_is_not_finite(probed) -> None:
    measured = probed("deepnorm", 4)
    lost = replace(measured, end=replace(measured.end, nll=math.nan))
    verdict = judge(lost, replace(SETTINGS, precision="fp16"), None)
    assert verdict.outcome == "will not train"
    assert verdict.sentence.startswith("In fp16, 1 of 12 losses are not finite")


def test_an_update_that_is_skipped_is_no_harm_but_all_are(probed) -> None:
    measured = probed("deepnorm", 4)
    skipped = [replace(update, skipped=True) for update in measured.updates]
    assert outcome(replace(measured, updates=[skipped[0], *measured.updates[1:]])) == "trains"
    assert outcome(replace(measured, updates=skipped)) == "will not train"


def test_a_loss_that_does_not_fall(probed) -> None:
    measured = probed("deepnorm", 4)
    risen = replace(measured, end=replace(measured.end, nll=measured.start.nll + 0.1))
    verdict = judge(risen, SETTINGS, None)
    assert verdict.outcome == "at risk"
    assert "(it must fall)" in verdict.sentence


def with_source_cost(measured: Measurement, cost: float) -> Measurement:
    """Before the updates, another source costs seven sentences so much."""
    source = measured.start.source
    return replace(
        measured,
        start=replace(measured.start, source=replace(source, sentences=7, nll_other=source.nll_own + cost)),
    )


def with_encoder_spread(measured: Measurement, spread: float) -> Measurement:
    """Before the updates, the encoder's states vary over tokens by so much, their size being 1."""
    states = measured.start.states["encoder"]
    found = replace(states, output=replace(states.output, rms=1.0, spread=spread))
    return replace(measured, start=replace(measured.start, states={**measured.start.states, "encoder": found}))


def test_a_checkpoint_that_hears_its_source(probed) -> None:
    hears = with_source_cost(probed("deepnorm", 4), 2.0)
    assert all(judge(hears, SETTINGS, age, real_text=True).outcome == "trains" for age in (OLD, YOUNG, Age()))


def test_a_checkpoint_that_does_not_hear_its_source_and_still_tells_tokens_apart(probed) -> None:
    """It may only be young: one was seen that heard its source 500 updates later."""
    deaf = with_source_cost(with_encoder_spread(probed("deepnorm", 4), 0.5), 0.4 * SOURCE_UNHEARD)
    assert judge(deaf, SETTINGS, OLD).outcome == "trains"  # made-up sentences
    for age, words in (
        (OLD, "after 20,000 updates"),
        (YOUNG, "after 300 updates of 4,000 of warm-up"),
        (Age(), "after an unknown number of updates"),
    ):
        verdict = judge(deaf, SETTINGS, age, real_text=True)
        assert verdict.outcome == "at risk"
        assert verdict.sentence.startswith("The loss of 7 sentences is ") and words in verdict.sentence
        assert "with another of the same direction" in verdict.sentence
        assert "It does not hear its source yet." in verdict.sentence and "probe a later one" in verdict.sentence


def test_a_checkpoint_that_has_lost_its_encoder(probed) -> None:
    """Within the warm-up tokens may draw together and part again: a longer one was seen to bring an encoder back."""
    lost = with_source_cost(with_encoder_spread(probed("deepnorm", 4), 0.0002), 0.0)
    for age in (OLD, Age(), Age(updates=300), Age(warmup=4000), Age(updates=4000, warmup=4000)):
        verdict = judge(lost, SETTINGS, age, real_text=True)
        assert verdict.outcome == "will not train"
        assert "vary by 0.0002" in verdict.sentence and "source is not heard" in verdict.sentence
        assert "yet" not in verdict.sentence
        assert judge(lost, SETTINGS, age).outcome == "will not train"  # made-up sentences
    assert judge(lost, SETTINGS, YOUNG, real_text=True).outcome == "at risk"
    assert judge(lost, SETTINGS, None).outcome == "at risk"  # a new model


def test_the_age_of_a_checkpoint_is_what_it_records() -> None:
    assert Age.of(Provenance(updates=7, arguments={"warmup_updates": 9})) == Age(7, 9)
    assert Age.of(Provenance(arguments={"warmup_updates": "9"})) == Age()


def test_that_hearing_could_not_be_told_is_said(probed) -> None:
    measured = probed("deepnorm", 4)
    alone = replace(measured, start=replace(measured.start, source=None))
    verdict = judge(alone, SETTINGS, OLD, real_text=True)
    assert verdict.outcome == "trains" and "no sentence has another of its direction" in verdict.sentence
    assert "direction" not in judge(alone, SETTINGS, None, real_text=True).sentence


def test_an_unfinished_warm_up_is_told_and_the_loss_left_out(probed) -> None:
    measured = probed("deepnorm", 4)
    risen = replace(measured, end=replace(measured.end, nll=measured.start.nll + 1))
    verdict = judge(risen, replace(SETTINGS, warmup=4000), None)
    assert verdict.outcome == "trains"
    assert f"Only {SETTINGS.steps} of the 4000 updates of warm-up were made" in verdict.sentence
    assert judge(risen, SETTINGS, None).outcome == "at risk"
