"""The options of the architectures, one row each, under fairseq's names where it has them.

The flags of the plugin are made of this table, and what a checkpoint's arguments mean is read by it. What an option is
when nobody gives it stands in `Config` alone, whose defaults are those of fairseq 0.12.2's ``base_architecture``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mtdeep.nn.config import CHOICES, DEFAULTS, NUMBERS, StackName

Stacks = frozenset[StackName]
ENCODER: Stacks = frozenset({"encoder"})
DECODER: Stacks = frozenset({"decoder"})
POSITIONS = ("encoder_positions", "decoder_positions")


@dataclass(frozen=True)
class ModelOption:
    """An option, and the fields of `Config` that it sets.

    sets: those fields, where they are not one of the option's own name.
    stacks: those without which a model does not have the option.
    given: what a switch sets its fields to when it is given; None: the option takes a value.
    metavar: what stands for a number in the help, where not the usual letter.
    """

    name: str
    help: str
    sets: tuple[str, ...] = ()
    stacks: Stacks = frozenset()
    given: bool | str | None = None
    metavar: str | None = None

    @property
    def flag(self) -> str:
        """The option on a command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of `Config` that it sets."""
        return self.sets or (self.name,)

    @property
    def is_switch(self) -> bool:
        """Whether it takes no value."""
        return self.given is not None

    @property
    def choices(self) -> tuple[str, ...]:
        """The words of which its value is one, if its value is a word."""
        return CHOICES.get(self.fields[0], ())

    @property
    def number(self) -> type[int] | type[float] | None:
        """Whether its value is a whole number or any, if its value is a number."""
        return None if self.is_switch else NUMBERS.get(self.fields[0])

    @property
    def default(self) -> Any:
        """What it is when nobody gives it; None for one that sets several fields, as others may set one of them."""
        if self.is_switch:
            return False
        return DEFAULTS[self.fields[0]] if len(self.fields) == 1 else None


MODEL_OPTIONS = (
    ModelOption("encoder_layers", "number of encoder layers, N", stacks=ENCODER),
    ModelOption("encoder_embed_dim", "width of the encoder", ("embed_dim",), ENCODER),
    ModelOption(
        "encoder_ffn_embed_dim",
        "inner width of the encoder's feed-forward networks",
        ("encoder_ffn_dim",),
        ENCODER,
    ),
    ModelOption("encoder_attention_heads", "number of encoder attention heads", ("encoder_heads",), ENCODER),
    ModelOption("decoder_layers", "number of decoder layers, M", stacks=DECODER),
    ModelOption(
        "decoder_embed_dim",
        "width of the decoder (beside an encoder: the encoder's, and equal to it)",
        ("embed_dim",),
        DECODER,
    ),
    ModelOption(
        "decoder_ffn_embed_dim",
        "inner width of the decoder's feed-forward networks (default: the encoder's)",
        ("decoder_ffn_dim",),
        DECODER,
    ),
    ModelOption(
        "decoder_attention_heads",
        "number of decoder attention heads (default: the encoder's)",
        ("decoder_heads",),
        DECODER,
    ),
    ModelOption("dropout", "dropout probability on embeddings and on the output of every branch", metavar="P"),
    ModelOption("attention_dropout", "dropout probability on attention weights", metavar="P"),
    ModelOption("activation_dropout", "dropout probability after the activation in feed-forward networks", metavar="P"),
    ModelOption(
        "branch_warm_up",
        "multiply the branches of layer l of each stack with min(t / (T l), 1) after t updates (default: with 1)",
        metavar="T",
    ),
    ModelOption("residual_alpha", "ResiDual: factor on the normalised stream at the end of a stack"),
    ModelOption(
        "residual_scale",
        "ResiDual: factor on what enters the un-normalised stream (the paper's fp16 recipe: 0.05)",
    ),
    ModelOption(
        "tuned_depth",
        "Pre-LN, CompleteP: layers a stack for which the rate was chosen; branches are multiplied by N / layers "
        "(with --depth-rates completep Adam's epsilon too; 0: neither)",
    ),
    ModelOption(
        "espa_gamma",
        "vanilla, E-SPA: after the last layer tokens at distance n have the likeness exp(-gamma n)",
    ),
    ModelOption("uspa_rho", "vanilla, U-SPA: likeness of any two tokens after the last layer"),
    ModelOption("skip_alpha", "vanilla: weight of the skips, from 0 (none) up to 1; branches have sqrt(1 - alpha^2)"),
    ModelOption(
        "activation_fn",
        "activation of feed-forward networks; tailored (vanilla only): a leaky ReLU whose slope follows from the depth",
        ("activation",),
    ),
    ModelOption(
        "positions",
        "positions in all stacks: rotary ones turn queries and keys, the others are added to the embeddings",
        POSITIONS,
    ),
    ModelOption("shaping", "vanilla: how self-attention starts"),
    ModelOption("branch_norm", "vanilla: normalise what each branch reads", given=True),
    ModelOption("no_token_positional_embeddings", "no positions added to the embeddings", POSITIONS, given="none"),
    ModelOption("no_scale_embedding", "do not multiply embeddings by sqrt(width)", ("scale_embedding",), given=False),
    ModelOption(
        "checkpoint_activations",
        "recompute each layer's activations in the backward pass instead of keeping them",
        given=True,
    ),
    ModelOption(
        "encoder_learned_pos",
        "learned instead of sinusoidal positions in the encoder",
        ("encoder_positions",),
        ENCODER,
        given="learned",
    ),
    ModelOption(
        "decoder_learned_pos",
        "learned instead of sinusoidal positions in the decoder",
        ("decoder_positions",),
        DECODER,
        given="learned",
    ),
    ModelOption(
        "share_decoder_input_output_embed",
        "one matrix for the decoder's embeddings and its output projection",
        stacks=DECODER,
        given=True,
    ),
    ModelOption(
        "share_all_embeddings",
        "one matrix for encoder and decoder embeddings and the output projection",
        stacks=ENCODER | DECODER,
        given=True,
    ),
)
"""In the order in which the help lists them."""

POSITION_OPTIONS = tuple(option for option in MODEL_OPTIONS if set(option.fields) <= set(POSITIONS))
"""Several ways to say one thing, which may contradict each other."""


def options_of(stacks: Stacks) -> tuple[ModelOption, ...]:
    """Return the options of a model of these stacks."""
    return tuple(option for option in MODEL_OPTIONS if option.stacks <= stacks)
