"""Presets are named by total depth; the command line wins over them."""

from __future__ import annotations

from argparse import Namespace

import pytest
from fairseq.models import ARCH_CONFIG_REGISTRY

# DESIGN: encoder + decoder layers, width, feed-forward width, heads.
PRESETS = {
    "deepnet_mt": (6, 6, 512, 2048, 8),
    "magneto_mt": (6, 6, 512, 2048, 8),
    "residual_mt": (6, 6, 512, 2048, 8),
    "rezero_mt": (6, 6, 512, 2048, 8),
    "dsinit_mt": (6, 6, 512, 2048, 8),
    "postln_mt": (6, 6, 512, 2048, 8),
    "preln_mt": (6, 6, 512, 2048, 8),
    "vanilla_mt": (6, 6, 512, 2048, 8),
    "deepnet_mt_12": (6, 6, 512, 2048, 8),
    "deepnet_mt_36": (18, 18, 512, 2048, 8),
    "deepnet_mt_100": (50, 50, 512, 2048, 8),
    "deepnet_mt_200": (100, 100, 512, 2048, 8),
    "deepnet_mt_200_wide": (100, 100, 1024, 4096, 16),
    "deepnet_mt_1000": (500, 500, 512, 2048, 8),
}


def test_every_scheme_translates_and_models_language() -> None:
    names = {name.rsplit("_", 1)[0] for name in PRESETS if name.endswith("_mt")}
    assert {f"{name}_{kind}" for name in names for kind in ("mt", "lm", "mlm")} <= ARCH_CONFIG_REGISTRY.keys()


def test_skipless_networks_have_presets_of_their_own() -> None:
    """He et al. 2023: tailored activation, E-SPA, positions that leave the first kernel alone, no dropout."""
    args = Namespace()
    ARCH_CONFIG_REGISTRY["vanilla_lm"](args)
    assert (args.activation_fn, args.shaping, args.positions, args.dropout) == ("tailored", "espa", "rotary", 0.0)


@pytest.mark.parametrize(("name", "expected"), PRESETS.items())
def test_preset(name: str, expected: tuple[int, ...]) -> None:
    args = Namespace()
    ARCH_CONFIG_REGISTRY[name](args)
    found = (args.encoder_layers, args.decoder_layers, args.decoder_embed_dim, args.decoder_ffn_embed_dim)
    assert (*found, args.decoder_attention_heads) == expected


def test_the_command_line_wins_and_the_decoder_follows_the_encoder() -> None:
    args = Namespace(encoder_embed_dim=64, decoder_layers=7)
    ARCH_CONFIG_REGISTRY["deepnet_mt_36"](args)
    assert (args.encoder_layers, args.decoder_layers, args.decoder_embed_dim) == (18, 7, 64)
