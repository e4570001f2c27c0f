"""The branches of a layer, by what they are, and the modules that are theirs; an even sample of many layers."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from torch import nn

from mtdeep.nn.layers import DecoderLayer, EncoderLayer
from mtdeep.nn.parts import BranchName
from mtdeep.nn.transformer import Stack

Kind = Literal["self-attention", "cross-attention", "feed-forward"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which they stand in a layer."""

NAMES: dict[Kind, BranchName] = {
    "self-attention": "self_attn",
    "cross-attention": "encoder_attn",
    "feed-forward": "final",
}
"""Those of the layers."""
LAST_MODULE: dict[Kind, str] = {"self-attention": "self_attn", "cross-attention": "encoder_attn", "feed-forward": "fc2"}
"""By fairseq's names: the module of a layer whose output the branch gives to its residual."""


def layers_of(stack: Stack) -> list[EncoderLayer | DecoderLayer]:
    """Return the layers of a stack, which torch's lists hold as modules of any kind."""
    return [layer for layer in stack.layers if isinstance(layer, (EncoderLayer, DecoderLayer))]


def kinds_of(layer: nn.Module) -> list[Kind]:
    """Return the kinds of branch that a layer has, in their order."""
    return [kind for kind in KINDS if hasattr(layer, LAST_MODULE[kind])]


def modules_of(layer: nn.Module, kind: Kind) -> dict[str, nn.Module]:
    """Return a branch's modules by their names in the layer: its matrices, and the normalisations that go with it.

    Those of either attention begin with its name, as fairseq has them; all others are the feed-forward's.
    """
    # A module that stands under two names, as ReZero's factor does, is of both branches.
    children = {name: module for name, module in layer.named_modules(remove_duplicate=False) if "." not in name}
    return {name: module for name, module in children.items() if name and _kind_of(name) == kind}


def _kind_of(name: str) -> Kind:
    attentions: tuple[Kind, ...] = ("self-attention", "cross-attention")
    return next((kind for kind in attentions if name.startswith(LAST_MODULE[kind])), "feed-forward")


def even_sample(layers: int, at_most: int) -> list[int]:
    """Return at most so many of the layers 1 ... *layers*, at even distances, with the lowest and the highest."""
    if layers <= at_most:
        return list(range(1, layers + 1))
    return [int(layer) for layer in np.linspace(1, layers, at_most).round()]
