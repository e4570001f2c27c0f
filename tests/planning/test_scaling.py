"""Deep models and large batches from small ones: equal to going through the whole step."""

from __future__ import annotations

import pytest

from mtdeep.planning import PRECISIONS, Batch, Setting, Trace, at_full_depth, rehearse
from mtdeep.planning.scaling import added


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("precision", ["amp", "bf16"])
def test_depth(tiny_config, checkpointing: bool, precision: str) -> None:
    setting = Setting(PRECISIONS[precision], "cpu")
    depth = {"encoder_layers": 7, "decoder_layers": 5}
    config = tiny_config(90, scheme="residual", **depth, checkpoint_activations=checkpointing)
    batch = Batch(13, 11)
    traced: list[tuple[int, int]] = []

    def trace(shallow) -> Trace:  # type: ignore[no-untyped-def]
        traced.append((shallow.encoder_layers, shallow.decoder_layers))
        return rehearse(shallow, setting, batch)

    whole, extrapolated = rehearse(config, setting, batch), at_full_depth(config, trace)
    assert traced == [(2, 2), (3, 2), (2, 3)]
    assert extrapolated.peak == pytest.approx(whole.peak, rel=0.005)
    assert extrapolated.parameters == whole.parameters
    assert (extrapolated.state, extrapolated.flops) == (whole.state, whole.flops)


def test_a_shallow_model_is_traced_as_it_is(tiny_config) -> None:
    config = tiny_config(90, encoder_layers=1, decoder_layers=2)
    setting = Setting(PRECISIONS["fp32"], "cpu")

    def trace(shallow) -> Trace:  # type: ignore[no-untyped-def]
        assert shallow == config
        return rehearse(shallow, setting, Batch(3, 5))

    assert at_full_depth(config, trace) == rehearse(config, setting, Batch(3, 5))


@pytest.mark.parametrize("precision", ["fp32", "amp"])
def test_batch(tiny_config, precision: str) -> None:
    config, setting = tiny_config(90), Setting(PRECISIONS[precision], "cpu")
    base, more, large = (rehearse(config, setting, Batch(n, 32)) for n in (32, 64, 160))
    extrapolated = added(base, base, more, 160 / 32 - 1)
    # One operator at two times of a stage, the later of them the higher only in large batches, may be missed.
    assert extrapolated.peak == pytest.approx(large.peak, rel=0.001)
    assert (extrapolated.forward, extrapolated.flops) == (large.forward, large.flops)
