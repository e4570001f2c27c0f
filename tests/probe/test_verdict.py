"""Verdicts on configurations whose fate is known: from the papers, and from training them on (docs/probe.md)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mtdeep.probe import Settings, judge
from mtdeep.probe.measure import Measurement
from mtdeep.probe.thresholds import SOURCE_UNHEARD
from mtdeep.probe.verdict import LOST_GRADIENT, STEEP_GRADIENT

SETTINGS = Settings()


def outcome(measured: Measurement, **changes: object) -> str:
    return judge(measured, replace(SETTINGS, **changes), trained=False).outcome


@pytest.mark.parametrize(("scheme", "depth"), [("deepnorm", 12), ("deepnorm", 36), ("preln", 12), ("preln", 36)])
def test_known_good(probed, scheme: str, depth: int) -> None:
    assert outcome(probed(scheme, depth)) == "trains"


def test_rezero_whose_encoder_has_no_gradient_before_the_first_update(probed) -> None:
    assert outcome(probed("rezero", 12)) == "trains"


def test_post_ln_at_depth_without_warm_up(probed) -> None:
    verdict = judge(probed("postln", 36), SETTINGS, trained=False)
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
    verdict = judge(with_gradients(probed("deepnorm", 4), [1.0, 5e-5, 0.8, 1.1]), SETTINGS, trained=False)
    assert verdict.outcome == "will not train"
    assert "falls to" in verdict.sentence and "4.5e-05 after 10, there from layer 4 to layer 2 (" in verdict.sentence
    assert outcome(with_gradients(probed("deepnorm", 4), [1.0, 5e-3, 0.8, 1.1])) == "at risk"


def test_a_gradient_that_explodes_on_its_way_down(probed) -> None:
    verdict = judge(with_gradients(probed("deepnorm", 4), [3.0, 300.0, 9.0, 1.0]), SETTINGS, trained=False)
    assert verdict.outcome == "at risk"
    assert f"300 times after 10, there from layer 4 to layer 2 (explodes above {STEEP_GRADIENT:g})" in verdict.sentence
    assert outcome(with_gradients(probed("deepnorm", 4), [3.0, 30.0, 9.0, 1.0])) == "trains"


@pytest.mark.parametrize("depth", [12, 36])
def test_neither_skips_nor_normalisation(probed, depth: int) -> None:
    assert outcome(probed("preln", depth, bare=True)) == "will not train"


def test_what_is_not_finite(probed) -> None:
    measured = probed("deepnorm", 4)
    lost = replace(measured, end=replace(measured.end, nll=math.nan))
    verdict = judge(lost, replace(SETTINGS, precision="fp16"), trained=False)
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
    verdict = judge(risen, SETTINGS, trained=False)
    assert verdict.outcome == "at risk"
    assert "(it must fall)" in verdict.sentence


def test_a_trained_model_that_does_not_hear_its_source(probed) -> None:
    measured = probed("deepnorm", 4)
    own = measured.start.source.nll_own
    deaf, hears = (
        replace(measured.start, source=replace(measured.start.source, sentences=7, nll_other=own + cost))
        for cost in (0.5 * SOURCE_UNHEARD, 2.0)
    )
    assert judge(replace(measured, start=hears), SETTINGS, trained=True, real_text=True).outcome == "trains"
    assert judge(replace(measured, start=deaf), SETTINGS, trained=True).outcome == "trains"  # made-up sentences
    verdict = judge(replace(measured, start=deaf), SETTINGS, trained=True, real_text=True)
    assert verdict.outcome == "will not train"
    assert verdict.sentence.startswith("The loss of 7 sentences is ")
    assert "with another of the same direction" in verdict.sentence


def test_that_hearing_could_not_be_told_is_said(probed) -> None:
    measured = probed("deepnorm", 4)
    alone = replace(measured, start=replace(measured.start, source=None))
    verdict = judge(alone, SETTINGS, trained=True, real_text=True)
    assert verdict.outcome == "trains" and "no sentence has another of its direction" in verdict.sentence
    assert "direction" not in judge(alone, SETTINGS, trained=False, real_text=True).sentence


def test_an_unfinished_warm_up_is_told_and_the_loss_left_out(probed) -> None:
    measured = probed("deepnorm", 4)
    risen = replace(measured, end=replace(measured.end, nll=measured.start.nll + 1))
    verdict = judge(risen, replace(SETTINGS, warmup=4000), trained=False)
    assert verdict.outcome == "trains"
    assert f"Only {SETTINGS.steps} of the 4000 updates of warm-up were made" in verdict.sentence
    assert judge(risen, SETTINGS, trained=False).outcome == "at risk"


def test_a_trained_model_whose_tokens_are_alike(probed) -> None:
    measured = probed("deepnorm", 4)
    states = measured.start.states["encoder"]
    alike = replace(states, output=replace(states.output, spread=0.0002))
    start = replace(measured.start, states={**measured.start.states, "encoder": alike})
    assert judge(replace(measured, start=start), SETTINGS, trained=True).outcome == "will not train"
    # Before training it is a bad sign only: the states of a network that trains may draw together and part again.
    assert outcome(replace(measured, start=start)) == "at risk"
