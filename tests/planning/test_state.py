"""What lies beside a step, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mtdeep.nn.shaped_attention import KEPT_OF_A_STACK
from mtdeep.planning import Training
from mtdeep.planning.state import beside_a_step

ON_A_CPU = Training(precision="fp32", device="cpu", memory=10**9, sentence_length=32)
SKIPLESS = {"scheme": "vanilla", "shaping": "espa", "activation": "tailored", "encoder_layers": 3}
MATRICES = "matrices of shaped attention"


def test_nothing_on_one_cpu(tiny_config) -> None:
    assert beside_a_step(tiny_config(90), ON_A_CPU, 1000) == {}


@pytest.mark.parametrize(("precision", "size"), [("fp32", 4000), ("amp", 4000), ("bf16", 2000)])
def test_buckets_are_as_large_as_the_gradients(tiny_config, precision: str, size: int) -> None:
    two = replace(ON_A_CPU, devices=2, precision=precision)
    assert beside_a_step(tiny_config(90), two, 1000) == {"gradients in DDP's buckets": size}
    assert beside_a_step(tiny_config(90), replace(two, bucket_view=True), 1000) == {}


def test_a_reserve_is_assumed_on_cuda_alone(tiny_config) -> None:
    on_cuda = replace(ON_A_CPU, device="cuda")
    assert beside_a_step(tiny_config(90), on_cuda, 1000) == {"reserve": 2 * 10**9}
    assert beside_a_step(tiny_config(90), replace(on_cuda, reserve=0), 1000) == {}
    assert beside_a_step(tiny_config(90), replace(ON_A_CPU, reserve=7), 1000) == {"reserve": 7}


def test_a_skipless_encoder_remembers_matrices_of_every_length(tiny_config) -> None:
    """Of 1 to 32 positions, squared, in 3 layers; the step itself shows those of 31 and 32."""
    config, numbers = tiny_config(90, **SKIPLESS), 3 * sum(n * n for n in range(31))
    assert beside_a_step(config, ON_A_CPU, 1000) == {MATRICES: 4 * numbers}
    assert beside_a_step(config, replace(ON_A_CPU, precision="amp"), 1000) == {MATRICES: 2 * numbers}
    longest = beside_a_step(config, replace(ON_A_CPU, sentence_length=1000), 1000)[MATRICES]
    assert 4 * (KEPT_OF_A_STACK - 3) <= longest <= 4 * KEPT_OF_A_STACK


@pytest.mark.parametrize("changes", [{"shaping": "value_skipinit"}, {"encoder_layers": 0}])
def test_others_remember_none(tiny_config, changes: dict[str, object]) -> None:
    assert beside_a_step(tiny_config(90, **{**SKIPLESS, **changes}), ON_A_CPU, 1000) == {}
