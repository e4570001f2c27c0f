"""What CUDA does otherwise, by hand and by torch's own list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from mtdeep.nn.presets import NAMES, scheme_fields
from mtdeep.planning import PRECISIONS, Batch, Setting, Trace, cuda, rehearse

BATCH = Batch(8, 32)


def step(config, precision: str, device: str = "cuda") -> Trace:  # type: ignore[no-untyped-def]
    return rehearse(config, Setting(PRECISIONS[precision], device), BATCH)


def test_all_that_autocast_takes_in_float32_is_known(tiny_config) -> None:
    """AT_FORALL_FP32 and AT_FORALL_FP32_SET_OPT_DTYPE of the torch that is installed, against our forward passes."""
    header = (Path(torch.__file__).parent / "include/ATen/autocast_mode.h").read_text(encoding="utf-8")
    listed = {
        name
        for macro in ("FP32", "FP32_SET_OPT_DTYPE")
        for name in re.findall(r"_\((\w+)", header.split(f"#define AT_FORALL_{macro}(_)")[1].split("\n\n")[0])
    }
    assert {"layer_norm", "softmax", "sum"} <= listed
    assert listed.isdisjoint({"linear", "scaled_dot_product_attention"})
    known = {function.__name__ for function in cuda.IN_FLOAT32}
    # Of whole numbers, which autocast leaves alone, and of tables that are made in float32 or float64 anyway.
    unchanged = {"sum", "cumsum", "exp", "pow", "log"}
    for scheme in NAMES.values():
        trace = step(tiny_config(90, **scheme_fields(scheme), encoder_layers=1, decoder_layers=1), "amp")
        forward = {name.split(".")[1] for stage, name in trace.peaks if stage.startswith(("forward", "the first"))}
        assert "_scaled_dot_product_flash_attention_for_cpu" in forward
        found = {name.removeprefix("native_") for name in forward} & listed
        assert found <= known | unchanged, scheme


def test_normalisations_in_float32(tiny_config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sub-LN's inner ones have inputs of 16 bits.

    What is kept then, for each token and inner normalisation, is a float32 copy of the input (width 16 of attention, 32
    of the feed-forward branch) beside the one that attention and activation keep for themselves, and mean and deviation
    in 4 bytes in place of 2.
    """
    config = tiny_config(90, scheme="subln")
    wide = step(config, "amp")
    monkeypatch.setattr(cuda, "IN_FLOAT32", ())
    narrow = step(config, "amp")
    layers = config.encoder_layers + config.decoder_layers
    assert wide.forward - narrow.forward == BATCH.tokens * layers * (4 * 16 + 4 * 32 + 2 * 2 * 2)


def test_products_of_float16_are_summed_in_float32(tiny_config) -> None:
    """The loss's float32 matrices: log-probabilities, and a product with the whole width; no copy of the weights."""
    config = tiny_config(2000, share_all_embeddings=True, embed_dim=8)
    logits, table, features = 256 * 2000, 2000 * 8, 256 * 8
    # bfloat16: logits, their probabilities and a converted copy of the logits; gradients; a product.
    assert step(config, "fp16").loss == pytest.approx((2 + 4) * logits + (4 + 4) * table + 4 * features, rel=0.02)
    assert step(config, "bf16").loss == pytest.approx((2 + 4 + 4) * logits + 4 * table + 4 * features, rel=0.02)


def test_no_scores_are_kept(tiny_config) -> None:
    """In bfloat16 over 32 keys, 6 attentions of 2 heads.

    A CPU keeps the weights of 32 keys, 2 bytes each; the fused kernel the sum that divides them, 4 bytes. The 4
    attentions that are given a mask keep it as bool there and as bfloat16 here, 1 byte a token more. The 2 causal ones
    keep a mask of 32 x 32 there.
    """
    config = tiny_config(500)
    less = step(config, "bf16", "cpu").forward - step(config, "bf16").forward
    assert less == BATCH.tokens * (6 * 2 * (32 * 2 - 4) - 4) + 2 * 32 * 32


def test_nor_with_dropout_on_attention(tiny_config) -> None:
    with_it, without = (step(tiny_config(90, attention_dropout=p), "fp32") for p in (0.1, 0.0))
    assert with_it.peaks == without.peaks


@pytest.mark.parametrize("scheme", ["subln", "vanilla"])
def test_checkpointing_goes_the_same_way_twice(tiny_config, scheme: str) -> None:
    """torch compares what it makes again with what it was, and raises when their types differ."""
    trace = step(tiny_config(90, **scheme_fields(scheme), checkpoint_activations=True), "amp")
    assert any(operator.startswith("aten.native_layer_norm") for _, operator in trace.peaks) == (scheme == "subln")


def test_nothing_stays_behind(tiny_config) -> None:
    before = step(tiny_config(90), "bf16", "cpu")
    step(tiny_config(90), "bf16")
    assert step(tiny_config(90), "bf16", "cpu") == before
    assert not torch.empty(1).is_cuda
    assert F.layer_norm(torch.ones(1, 4, dtype=torch.bfloat16), (4,)).dtype == torch.bfloat16
