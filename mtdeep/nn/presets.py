"""What `fairseq-train --arch` names, as fields of `Config`.

A name is a paper's and a kind of model: `_mt` translates, `_lm` is a decoder alone, `_mlm` an encoder alone. Sizes are
named by total depth, encoder plus decoder, as DeepNet's "200L" is (arXiv 2203.00555, Table 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtdeep.nn.config import SKIPLESS, SchemeName

Fields = Mapping[str, Any]
"""Some of Config's fields; the others keep their defaults."""

NAMES: Mapping[str, SchemeName] = {
    "deepnet": "deepnorm",
    "magneto": "subln",
    "residual": "residual",
    "rezero": "rezero",
    "dsinit": "dsinit",
    "postln": "postln",
    "preln": "preln",
    "lns": "lns",
    "periln": "periln",
    "keel": "keel",
    "b2t": "b2t",
    "vanilla": "vanilla",
}
"""The paper's name of a scheme, where it differs from the scheme's own."""

KINDS: Mapping[str, Fields] = {
    "mt": {},
    "lm": {"encoder_layers": 0},
    "mlm": {"decoder_layers": 0, "share_all_embeddings": True},
}

WIDE: Fields = {
    "embed_dim": 1024,
    "encoder_ffn_dim": 4096,
    "decoder_ffn_dim": 4096,
    "encoder_heads": 16,
    "decoder_heads": 16,
}
SIZES: Mapping[str, Fields] = {
    **{f"{total}": {"encoder_layers": total // 2, "decoder_layers": total // 2} for total in (12, 36, 100, 200, 1000)},
    "200_wide": {"encoder_layers": 100, "decoder_layers": 100, **WIDE},
}
"""Of `deepnet_mt`."""


def scheme_fields(scheme: SchemeName) -> dict[str, Any]:
    """Return the fields that a scheme's architectures set.

    Without skips: also no dropout, which would part tokens that are kept alike (arXiv 2302.10322).
    """
    return {"scheme": scheme, **({**SKIPLESS, "dropout": 0.0} if scheme == "vanilla" else {})}


PRESETS: Mapping[str, Fields] = {
    **{f"{name}_{kind}": {**scheme_fields(NAMES[name]), **KINDS[kind]} for kind in KINDS for name in NAMES},
    **{f"deepnet_mt_{size}": {**scheme_fields("deepnorm"), **SIZES[size]} for size in SIZES},
}
"""From the name of an architecture to what it sets."""
