"""The whole description of a model as plain data, checked once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, get_args

SchemeName = Literal["deepnorm", "subln", "residual", "rezero", "dsinit", "postln", "preln", "vanilla"]
StackName = Literal["encoder", "decoder"]
Activation = Literal["relu", "gelu", "tailored"]
Positions = Literal["sinusoidal", "learned", "rotary", "none"]
Shaping = Literal["none", "espa", "uspa", "value_skipinit"]

SKIPLESS: Mapping[str, Any] = {
    "activation": "tailored",
    "shaping": "espa",
    "encoder_positions": "rotary",
    "decoder_positions": "rotary",
}
"""Fields with which scheme "vanilla" is the network of arXiv 2302.10322; without them, one that does not learn."""

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "scheme": get_args(SchemeName),
    "activation": get_args(Activation),
    "encoder_positions": get_args(Positions),
    "decoder_positions": get_args(Positions),
    "shaping": get_args(Shaping),
}
_LAYERS = ("encoder_layers", "decoder_layers")
_COUNTS = (
    "source_vocabulary_size",
    "target_vocabulary_size",
    "embed_dim",
    "encoder_ffn_dim",
    "decoder_ffn_dim",
    "encoder_heads",
    "decoder_heads",
    "max_source_positions",
    "max_target_positions",
)
_FRACTIONS = ("dropout", "attention_dropout", "activation_dropout", "uspa_rho", "skip_alpha")
_FACTORS = ("residual_alpha", "residual_scale", "espa_gamma")
_OF_ONE_SCHEME = frozenset(
    {"residual_alpha", "residual_scale", "shaping", "skip_alpha", "branch_norm", "espa_gamma", "uspa_rho"}
)
_SWITCHES = (
    "scale_embedding",
    "share_decoder_input_output_embed",
    "share_all_embeddings",
    "branch_norm",
    "checkpoint_activations",
)


class StackSizes(NamedTuple):
    """One stack's part of a `Config`."""

    layers: int
    ffn_dim: int
    heads: int
    positions: Positions
    max_positions: int


@dataclass(frozen=True, kw_only=True)
class Config:
    """An encoder-decoder Transformer, or an encoder or a decoder (language model) on its own.

    Raises one ValueError that lists every problem found.

    Sizes are in tokens, layers, heads or dimensions; dropouts are probabilities. Checkpoints hold these fields by name:
    a field that is added needs a default under which older models stay what they were, and no default ever changes.
    """

    scheme: SchemeName
    """How branches join the stream and how their matrices start."""
    source_vocabulary_size: int
    """Rows of the encoder's embedding table."""
    target_vocabulary_size: int
    """Rows of the decoder's embedding table and of the output projection."""
    padding_idx: int = 1
    """Token that fills up the shorter sentences of a batch."""
    encoder_layers: int = 6
    """N of the papers; 0: no encoder, a language model."""
    decoder_layers: int = 6
    """M of the papers; 0: no decoder, an encoder that fills in masked tokens."""
    embed_dim: int = 512
    """Width d of the stream, in both stacks."""
    encoder_ffn_dim: int = 2048
    """Inner width of the encoder's feed-forward branches."""
    decoder_ffn_dim: int = 2048
    """Inner width of the decoder's feed-forward branches."""
    encoder_heads: int = 8
    """Attention heads in the encoder."""
    decoder_heads: int = 8
    """Attention heads in the decoder, for self- and cross-attention."""
    activation: Activation = "relu"
    """Non-linearity of the feed-forward branches; tailored: a leaky ReLU whose slope follows from the depth."""
    dropout: float = 0.1
    """On the embeddings and on the output of every branch."""
    attention_dropout: float = 0.0
    """On the attention weights."""
    activation_dropout: float = 0.0
    """After the feed-forward non-linearity."""
    encoder_positions: Positions = "sinusoidal"
    """Positions of the source: added to the embeddings, or (rotary) turning self-attention's queries and keys."""
    decoder_positions: Positions = "sinusoidal"
    """Positions of the target, likewise."""
    max_source_positions: int = 1024
    """Rows of a learned source table; sinusoids have no limit."""
    max_target_positions: int = 1024
    """Rows of a learned target table; sinusoids have no limit."""
    scale_embedding: bool = True
    """Multiply token embeddings by sqrt(embed_dim)."""
    share_decoder_input_output_embed: bool = False
    """The output projection is the decoder's embedding table."""
    share_all_embeddings: bool = False
    """One table for encoder, decoder and output projection."""
    residual_alpha: float = 1.0
    """ResiDual's factor on the normalised stream where the two streams meet."""
    residual_scale: float = 1.0
    """ResiDual's factor on all that is added to the un-normalised stream."""
    shaping: Shaping = "none"
    """Vanilla: how self-attention starts."""
    espa_gamma: float = 0.005
    """E-SPA's gamma_L: after the last layer, tokens at distance n have the likeness exp(-gamma n)."""
    uspa_rho: float = 0.8
    """U-SPA's rho_L: the likeness of any two tokens after the last layer."""
    skip_alpha: float = 0.0
    """Vanilla: weight alpha of the skips, where branches have sqrt(1 - alpha^2); 0: no skips."""
    branch_norm: bool = False
    """Vanilla: normalise what each branch reads."""
    checkpoint_activations: bool = False
    """Keep only each layer's input in training and compute the rest again in the backward pass."""

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise ValueError("Config: " + "; ".join(problems))

    def of_stack(self, stack: StackName) -> StackSizes:
        """Return what differs between the stacks."""
        if stack == "encoder":
            return StackSizes(
                self.encoder_layers,
                self.encoder_ffn_dim,
                self.encoder_heads,
                self.encoder_positions,
                self.max_source_positions,
            )
        return StackSizes(
            self.decoder_layers,
            self.decoder_ffn_dim,
            self.decoder_heads,
            self.decoder_positions,
            self.max_target_positions,
        )

    @property
    def ties_output_projection(self) -> bool:
        """Whether the output projection is the decoder's embedding table."""
        return self.share_all_embeddings or self.share_decoder_input_output_embed

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Config:
        """Read what `to_dict` of this or an earlier version wrote; a key that is not there has its default.

        Raises ValueError naming unknown keys with the closest known one, required keys that are missing, or the values
        at fault.
        """
        known = [field.name for field in fields(cls)]
        required = {field.name for field in fields(cls) if field.default is MISSING}
        problems = [f"unknown key {key!r}{_meant(key, known)}" for key in sorted(data.keys() - set(known))]
        problems += [f"missing key {key!r}" for key in sorted(required - data.keys())]
        if problems:
            raise ValueError("Config: " + "; ".join(problems))
        return cls(**data)

    def idle(self) -> frozenset[str]:
        """Return the fields that change nothing in this model: those of other schemes, and of other shapings."""
        used: set[str] = set()
        if self.scheme == "residual":
            used |= {"residual_alpha", "residual_scale"}
        if self.scheme == "vanilla":
            used |= {"shaping", "skip_alpha", "branch_norm"}
            used |= {"espa": {"espa_gamma"}, "uspa": {"uspa_rho"}}.get(self.shaping, set())
        return _OF_ONE_SCHEME - used

    def _problems(self) -> Iterator[str]:
        values = asdict(self)
        yield from self._wrong_values(values)
        for stack in ("encoder", "decoder"):
            if values[f"{stack}_layers"] == 0:
                continue
            heads = values[f"{stack}_heads"]
            whole = _is_count(heads) and _is_count(self.embed_dim)
            if whole and self.embed_dim % heads:
                yield f"embed_dim {self.embed_dim} is not a multiple of {stack}_heads {heads}"
            if values[f"{stack}_positions"] == "sinusoidal" and _is_count(self.embed_dim) and self.embed_dim < 4:
                yield f"{stack}_positions 'sinusoidal' needs embed_dim of at least 4, not {self.embed_dim}"
            if values[f"{stack}_positions"] == "rotary" and whole and self.embed_dim // heads % 2:
                yield f"{stack}_positions 'rotary' needs heads of an even width, not {self.embed_dim // heads}"
        sizes = (self.source_vocabulary_size, self.target_vocabulary_size)
        if self.encoder_layers == 0 and self.decoder_layers == 0:
            yield "encoder_layers and decoder_layers are both 0"
        if self.activation == "tailored" and self.scheme != "vanilla":
            yield f"activation 'tailored' is made for scheme 'vanilla', not {self.scheme!r}"
        if self.share_all_embeddings and sizes[0] != sizes[1]:
            yield (
                f"share_all_embeddings needs one vocabulary, but source_vocabulary_size is {sizes[0]} and "
                f"target_vocabulary_size {sizes[1]}"
            )
        if not (isinstance(self.padding_idx, int) and self.padding_idx >= 0):
            yield f"padding_idx {self.padding_idx!r} is not a token"
        elif all(map(_is_count, sizes)) and self.padding_idx >= min(sizes):
            yield f"padding_idx {self.padding_idx} is outside a vocabulary of {min(sizes)}"

    @staticmethod
    def _wrong_values(values: Mapping[str, Any]) -> Iterator[str]:
        for name, choices in _CHOICES.items():
            if values[name] not in choices:
                yield f"{name} {values[name]!r} is none of {', '.join(choices)}"
        for name in _COUNTS:
            if not _is_count(values[name]):
                yield f"{name} {values[name]!r} is not a whole number above zero"
        for name in _LAYERS:
            if not _is_count(values[name]) and not (values[name] == 0 and type(values[name]) is int):
                yield f"{name} {values[name]!r} is not a number of layers"
        for name in _FRACTIONS:
            value = values[name]
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
                yield f"{name} {value!r} is not a number from 0 up to, but without, 1"
        for name in _FACTORS:
            value = values[name]
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
                yield f"{name} {value!r} is not a number above zero"
            elif name == "espa_gamma" and not 1e-6 <= value <= 10:
                yield f"{name} {value!r} is outside 1e-6..10, where its kernels can be computed"
        for name in _SWITCHES:
            if not isinstance(values[name], bool):
                yield f"{name} {values[name]!r} is neither True nor False"


DEFAULTS: Mapping[str, Any] = {field.name: field.default for field in fields(Config) if field.default is not MISSING}
"""What the fields are that nobody has set."""


def _meant(key: str, known: list[str]) -> str:
    close = get_close_matches(key, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
