"""The architectures' flags, under fairseq's names where it has them, and what they are when nobody sets them."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import get_args

from mtdeep.nn.config import DEFAULTS, Activation, Positions, Shaping
from mtdeep.nn.presets import scheme_fields

Arguments = Mapping[str, object]
FlagGroups = Sequence[Mapping[str, str]]
"""Each {flag: help}."""

ENCODER_SIZES = {
    "encoder-layers": "number of encoder layers, N",
    "encoder-embed-dim": "width of the encoder",
    "encoder-ffn-embed-dim": "inner width of the encoder's feed-forward networks",
    "encoder-attention-heads": "number of encoder attention heads",
}
DECODER_SIZES = {
    "decoder-layers": "number of decoder layers, M",
    "decoder-embed-dim": "width of the decoder (beside an encoder: the encoder's, and equal to it)",
    "decoder-ffn-embed-dim": "inner width of the decoder's feed-forward networks (default: the encoder's)",
    "decoder-attention-heads": "number of decoder attention heads (default: the encoder's)",
}
PROBABILITIES = {
    "dropout": "dropout probability on embeddings and on the output of every branch",
    "attention-dropout": "dropout probability on attention weights",
    "activation-dropout": "dropout probability after the activation in feed-forward networks",
}
FACTORS = {
    "residual-alpha": "ResiDual: factor on the normalised stream at the end of a stack",
    "residual-scale": "ResiDual: factor on what enters the un-normalised stream (the paper's fp16 recipe: 0.05)",
    "espa-gamma": "vanilla, E-SPA: after the last layer tokens at distance n have the likeness exp(-gamma n)",
    "uspa-rho": "vanilla, U-SPA: likeness of any two tokens after the last layer",
    "skip-alpha": "vanilla: weight of the skips, from 0 (none) up to 1; branches have sqrt(1 - alpha^2)",
}
CHOICES = {
    "activation-fn": (
        get_args(Activation),
        "activation of feed-forward networks; tailored (vanilla only): a leaky ReLU whose slope follows from the depth",
    ),
    "positions": (
        get_args(Positions),
        "positions in all stacks: rotary ones turn queries and keys, the others are added to the embeddings",
    ),
    "shaping": (get_args(Shaping), "vanilla: how self-attention starts"),
}
COMMON_SWITCHES = {
    "branch-norm": "vanilla: normalise what each branch reads",
    "no-token-positional-embeddings": "no positions added to the embeddings",
    "no-scale-embedding": "do not multiply embeddings by sqrt(width)",
    "checkpoint-activations": "recompute each layer's activations in the backward pass instead of keeping them",
}
ENCODER_SWITCHES = {"encoder-learned-pos": "learned instead of sinusoidal positions in the encoder"}
DECODER_SWITCHES = {
    "decoder-learned-pos": "learned instead of sinusoidal positions in the decoder",
    "share-decoder-input-output-embed": "one matrix for the decoder's embeddings and its output projection",
}
SHARING_SWITCHES = {
    "share-all-embeddings": "one matrix for encoder and decoder embeddings and the output projection",
}
BASE: Arguments = {
    "activation_fn": "relu",
    "dropout": 0.1,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "positions": None,
    **{name: DEFAULTS[name] for name in ("residual_alpha", "residual_scale", "shaping", "espa_gamma", "uspa_rho")},
    "skip_alpha": DEFAULTS["skip_alpha"],
}
_SKIPLESS = scheme_fields("vanilla")
# As in the paper, whose positions spare the first kernel.
SKIPLESS_FLAGS: Arguments = {
    "activation_fn": _SKIPLESS["activation"],
    "dropout": _SKIPLESS["dropout"],
    "positions": _SKIPLESS["decoder_positions"],
    "shaping": _SKIPLESS["shaping"],
}
# fairseq's own ways to say which positions there are, beside --positions.
POSITION_SWITCHES = ("no_token_positional_embeddings", "encoder_learned_pos", "decoder_learned_pos")


def add_flags(parser: ArgumentParser, sizes: FlagGroups, switches: FlagGroups) -> None:
    """Add the flags that all architectures have, and *sizes* and *switches* of the stacks that one has."""
    for flag, text in (item for group in sizes for item in group.items()):
        parser.add_argument(f"--{flag}", type=int, metavar="N", help=text)
    for flag, text in PROBABILITIES.items():
        parser.add_argument(f"--{flag}", type=float, metavar="P", help=text)
    for flag, text in FACTORS.items():
        parser.add_argument(f"--{flag}", type=float, metavar="X", help=text)
    for flag, (choices, text) in CHOICES.items():
        parser.add_argument(f"--{flag}", choices=choices, help=text)
    for flag, text in (item for group in (COMMON_SWITCHES, *switches) for item in group.items()):
        parser.add_argument(f"--{flag}", action="store_true", help=text)
