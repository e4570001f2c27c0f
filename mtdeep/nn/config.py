"""The whole description of a model as plain data, checked once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any, Literal, get_args

SchemeName = Literal["deepnorm", "subln", "residual", "rezero", "dsinit", "postln", "preln"]
Activation = Literal["relu", "gelu"]
Positions = Literal["sinusoidal", "learned", "none"]

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "scheme": get_args(SchemeName),
    "activation": get_args(Activation),
    "encoder_positions": get_args(Positions),
    "decoder_positions": get_args(Positions),
}
_COUNTS = (
    "source_vocabulary_size",
    "target_vocabulary_size",
    "encoder_layers",
    "decoder_layers",
    "embed_dim",
    "encoder_ffn_dim",
    "decoder_ffn_dim",
    "encoder_heads",
    "decoder_heads",
    "max_source_positions",
    "max_target_positions",
)
_PROBABILITIES = ("dropout", "attention_dropout", "activation_dropout")
_FACTORS = ("residual_alpha", "residual_scale")
_SWITCHES = (
    "scale_embedding",
    "share_decoder_input_output_embed",
    "share_all_embeddings",
    "checkpoint_activations",
)


@dataclass(frozen=True, kw_only=True)
class Config:
    """An encoder-decoder Transformer. Raises one ValueError that lists every problem found.

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
    """N of the papers."""
    decoder_layers: int = 6
    """M of the papers."""
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
    """Non-linearity of the feed-forward branches."""
    dropout: float = 0.1
    """On the embeddings and on the output of every branch."""
    attention_dropout: float = 0.0
    """On the attention weights."""
    activation_dropout: float = 0.0
    """After the feed-forward non-linearity."""
    encoder_positions: Positions = "sinusoidal"
    """Kind of position embedding added to the source embeddings."""
    decoder_positions: Positions = "sinusoidal"
    """Kind of position embedding added to the target embeddings."""
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
    checkpoint_activations: bool = False
    """Keep only each layer's input in training and compute the rest again in the backward pass."""

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise ValueError("Config: " + "; ".join(problems))

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

    def _problems(self) -> Iterator[str]:
        values = asdict(self)
        yield from self._wrong_values(values)
        for stack in ("encoder", "decoder"):
            heads = values[f"{stack}_heads"]
            if _is_count(heads) and _is_count(self.embed_dim) and self.embed_dim % heads:
                yield f"embed_dim {self.embed_dim} is not a multiple of {stack}_heads {heads}"
            if values[f"{stack}_positions"] == "sinusoidal" and _is_count(self.embed_dim) and self.embed_dim < 4:
                yield f"{stack}_positions 'sinusoidal' needs embed_dim of at least 4, not {self.embed_dim}"
        sizes = (self.source_vocabulary_size, self.target_vocabulary_size)
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
        for name in _PROBABILITIES:
            value = values[name]
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
                yield f"{name} {value!r} is not a probability from 0 up to, but without, 1"
        for name in _FACTORS:
            value = values[name]
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
                yield f"{name} {value!r} is not a number above zero"
        for name in _SWITCHES:
            if not isinstance(values[name], bool):
                yield f"{name} {values[name]!r} is neither True nor False"


def _meant(key: str, known: list[str]) -> str:
    close = get_close_matches(key, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
