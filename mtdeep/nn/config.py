"""The whole description of a model as plain data, checked once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from difflib import get_close_matches
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints

from mtdeep.nn.depth import branch_warm_up_end
from mtdeep.nn.field_rules import (
    COUNT,
    FACTOR,
    FRACTION,
    LAYERS,
    TOKEN,
    UPDATES,
    OnlyFor,
    Rule,
    choices_of,
    number_of,
    only_for,
    rules_of,
)

SchemeName = Literal[
    "deepnorm",
    "subln",
    "residual",
    "rezero",
    "dsinit",
    "postln",
    "preln",
    "lns",
    "periln",
    "keel",
    "b2t",
    "vanilla",
]
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

_COMPUTABLE = Rule(lambda gamma: 1e-6 <= gamma <= 10, "is outside 1e-6..10, where its kernels can be computed")


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

    Sizes are in tokens, layers, heads or dimensions; dropouts are probabilities. A field's annotation says what it may
    be, and in which models alone it matters. Checkpoints hold these fields by name: a field that is added needs a
    default under which older models stay what they were, and no default ever changes.
    """

    scheme: SchemeName
    """How branches join the stream and how their matrices start."""
    source_vocabulary_size: Annotated[int, COUNT]
    """Rows of the encoder's embedding table."""
    target_vocabulary_size: Annotated[int, COUNT]
    """Rows of the decoder's embedding table and of the output projection."""
    padding_idx: Annotated[int, TOKEN] = 1
    """Token that fills up the shorter sentences of a batch."""
    encoder_layers: Annotated[int, LAYERS] = 6
    """N of the papers; 0: no encoder, a language model."""
    decoder_layers: Annotated[int, LAYERS] = 6
    """M of the papers; 0: no decoder, an encoder that fills in masked tokens."""
    embed_dim: Annotated[int, COUNT] = 512
    """Width d of the stream, in both stacks."""
    encoder_ffn_dim: Annotated[int, COUNT] = 2048
    """Inner width of the encoder's feed-forward branches."""
    decoder_ffn_dim: Annotated[int, COUNT] = 2048
    """Inner width of the decoder's feed-forward branches."""
    encoder_heads: Annotated[int, COUNT] = 8
    """Attention heads in the encoder."""
    decoder_heads: Annotated[int, COUNT] = 8
    """Attention heads in the decoder, for self- and cross-attention."""
    activation: Activation = "relu"
    """Non-linearity of the feed-forward branches; tailored: a leaky ReLU whose slope follows from the depth."""
    dropout: Annotated[float, FRACTION] = 0.1
    """On the embeddings and on the output of every branch."""
    attention_dropout: Annotated[float, FRACTION] = 0.0
    """On the attention weights."""
    activation_dropout: Annotated[float, FRACTION] = 0.0
    """After the feed-forward non-linearity."""
    encoder_positions: Positions = "sinusoidal"
    """Positions of the source: added to the embeddings, or (rotary) turning self-attention's queries and keys."""
    decoder_positions: Positions = "sinusoidal"
    """Positions of the target, likewise."""
    max_source_positions: Annotated[int, COUNT] = 1024
    """Rows of a learned source table; sinusoids have no limit."""
    max_target_positions: Annotated[int, COUNT] = 1024
    """Rows of a learned target table; sinusoids have no limit."""
    scale_embedding: bool = True
    """Multiply token embeddings by sqrt(embed_dim)."""
    share_decoder_input_output_embed: bool = False
    """The output projection is the decoder's embedding table."""
    share_all_embeddings: bool = False
    """One table for encoder, decoder and output projection."""
    residual_alpha: Annotated[float, FACTOR, OnlyFor("residual")] = 1.0
    """ResiDual's factor on the normalised stream where the two streams meet."""
    residual_scale: Annotated[float, FACTOR, OnlyFor("residual")] = 1.0
    """ResiDual's factor on all that is added to the un-normalised stream."""
    shaping: Annotated[Shaping, OnlyFor("vanilla")] = "none"
    """Vanilla: how self-attention starts."""
    espa_gamma: Annotated[float, FACTOR, _COMPUTABLE, OnlyFor("vanilla", shaping="espa")] = 0.005
    """E-SPA's gamma_L: after the last layer, tokens at distance n have the likeness exp(-gamma n)."""
    uspa_rho: Annotated[float, FRACTION, OnlyFor("vanilla", shaping="uspa")] = 0.8
    """U-SPA's rho_L: the likeness of any two tokens after the last layer."""
    skip_alpha: Annotated[float, FRACTION, OnlyFor("vanilla")] = 0.0
    """Vanilla: weight alpha of the skips, where branches have sqrt(1 - alpha^2); 0: no skips."""
    branch_norm: Annotated[bool, OnlyFor("vanilla")] = False
    """Vanilla: normalise what each branch reads."""
    tuned_depth: Annotated[int, LAYERS, OnlyFor("preln")] = 0
    """CompleteP's L_base, layers a stack for which the rate was chosen; 0: branches do not depend on depth."""
    branch_warm_up: Annotated[int | None, UPDATES] = None
    """T of ProRes: in training every branch of layer l has the factor min(t / (T l), 1) after t updates; None: 1."""
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

    @property
    def branch_warm_up_end(self) -> int:
        """The number of updates after which every branch has its whole weight, 0 where they have it from the start."""
        if self.branch_warm_up is None:
            return 0
        return branch_warm_up_end(max(self.encoder_layers, self.decoder_layers), self.branch_warm_up)

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
        return frozenset(name for name, only in _ONLY_FOR.items() if not only.covers(self.scheme, self.shaping))

    def _problems(self) -> Iterator[str]:
        for name, rules in _RULES.items():
            value = getattr(self, name)
            broken = next((rule for rule in rules if not rule.allows(value)), None)
            if broken is not None:
                yield f"{name} {value!r} {broken.otherwise}"
        yield from self._contradictions()

    def _contradictions(self) -> Iterator[str]:
        """Yield what is wrong with fields together; those of which one is wrong by itself are passed over."""
        for stack in ("encoder", "decoder"):
            sizes = self.of_stack(stack)
            if sizes.layers == 0:
                continue
            whole = COUNT.allows(sizes.heads) and COUNT.allows(self.embed_dim)
            if whole and self.embed_dim % sizes.heads:
                yield f"embed_dim {self.embed_dim} is not a multiple of {stack}_heads {sizes.heads}"
            if sizes.positions == "sinusoidal" and COUNT.allows(self.embed_dim) and self.embed_dim < 4:
                yield f"{stack}_positions 'sinusoidal' needs embed_dim of at least 4, not {self.embed_dim}"
            if sizes.positions == "rotary" and whole and self.embed_dim // sizes.heads % 2:
                yield f"{stack}_positions 'rotary' needs heads of an even width, not {self.embed_dim // sizes.heads}"
        if self.encoder_layers == 0 and self.decoder_layers == 0:
            yield "encoder_layers and decoder_layers are both 0"
        if self.activation == "tailored" and self.scheme != "vanilla":
            yield f"activation 'tailored' is made for scheme 'vanilla', not {self.scheme!r}"
        if self.branch_warm_up is not None and self.scheme == "vanilla" and not self.skip_alpha:
            yield "branch_warm_up needs skips, as branches are times 0 at first: set skip_alpha above 0"
        vocabularies = (self.source_vocabulary_size, self.target_vocabulary_size)
        if self.share_all_embeddings and vocabularies[0] != vocabularies[1]:
            yield (
                f"share_all_embeddings needs one vocabulary, but source_vocabulary_size is {vocabularies[0]} and "
                f"target_vocabulary_size {vocabularies[1]}"
            )
        comparable = TOKEN.allows(self.padding_idx) and all(map(COUNT.allows, vocabularies))
        if comparable and self.padding_idx >= min(vocabularies):
            yield f"padding_idx {self.padding_idx} is outside a vocabulary of {min(vocabularies)}"


DEFAULTS: Mapping[str, Any] = {field.name: field.default for field in fields(Config) if field.default is not MISSING}
"""What the fields are that nobody has set."""

_ANNOTATIONS = get_type_hints(Config, include_extras=True)
CHOICES = {name: choices for name, annotation in _ANNOTATIONS.items() if (choices := choices_of(annotation))}
"""The words that a field may be, of those that are one of a few words."""
NUMBERS = {name: number for name, annotation in _ANNOTATIONS.items() if (number := number_of(annotation))}
"""int or float, of the fields that are numbers."""
_RULES = {name: rules_of(annotation) for name, annotation in _ANNOTATIONS.items()}
_ONLY_FOR = {name: only for name, annotation in _ANNOTATIONS.items() if (only := only_for(annotation))}


def _meant(key: str, known: list[str]) -> str:
    close = get_close_matches(key, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
