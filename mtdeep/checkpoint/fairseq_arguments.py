"""fairseq's command-line arguments -> ``nn.Config``, by the table of `model_options`.

Two kinds of callers: the architectures of the plugin, which pass every flag, and the reader of checkpoints, which
meets what some older fairseq wrote. Only for the latter does it matter what an absent argument means.

A fairseq option that changes the function computed and that our layers do not have is refused by name, all of them in
one message. Options that only matter in training (LayerDrop, offloading, FSDP wrapping) are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

from mtdeep.checkpoint.model_options import MODEL_OPTIONS, POSITION_OPTIONS, ModelOption
from mtdeep.corpus.vocabulary import PAD
from mtdeep.errors import UserError
from mtdeep.nn.config import DEFAULTS, Config, Positions, StackName

# The value that leaves the function alone; None and an absent flag do too.
UNSUPPORTED: Mapping[str, object] = {
    "adaptive_input": False,
    "adaptive_softmax_cutoff": None,
    "base_layers": 0,
    "char_inputs": False,
    "cross_self_attention": False,
    "decoder_layers_to_keep": None,
    "decoder_xformers_att_config": None,
    "encoder_layers_to_keep": None,
    "encoder_xformers_att_config": None,
    "layernorm_embedding": False,
    "no_cross_attention": False,
    "quant_noise_pq": 0,
    "quant_noise_scalar": 0,
    "scale_attn": False,
    "scale_fc": False,
    "scale_heads": False,
    "scale_resids": False,
}


def config_from_arguments(
    arguments: Mapping[str, object],
    *,
    source_vocabulary_size: int,
    target_vocabulary_size: int,
    scheme: str,
    known_problems: Iterable[str] = (),
) -> Config:
    """Return the configuration of the model that *arguments* describe.

    Raises UserError, one sentence with every problem in it, when options are unsupported, contradict each other or
    have no sense; *known_problems* are those that the caller has met.
    """
    flags = _Flags(arguments)
    problems = flags.problems
    problems += known_problems
    problems += unsupported(arguments)
    if scheme == "preln" and flags.switch("no_decoder_final_norm"):
        problems.append("no_decoder_final_norm is not supported")
    values = {
        "scheme": scheme,
        "source_vocabulary_size": source_vocabulary_size,
        "target_vocabulary_size": target_vocabulary_size,
        "padding_idx": PAD,
        **_fields(flags),
    }
    try:
        config = Config.from_dict(values)
    except ValueError as error:
        problems.append(str(error).removeprefix("Config: "))
    if problems:
        raise UserError(f"These options cannot be used: {'; '.join(problems)}.")
    return config


def _fields(flags: _Flags) -> dict[str, Any]:
    """Return what the arguments set: by the table, and where fairseq has more than one argument for a field."""
    values: dict[str, Any] = {}
    for option in MODEL_OPTIONS:
        field = option.fields[0]
        if option not in POSITION_OPTIONS and field not in values:
            default = values["encoder_ffn_dim"] if field == "decoder_ffn_dim" else DEFAULTS[field]
            values[field] = flags.value(option, default)
    for name in ("decoder_embed_dim", "decoder_input_dim", "decoder_output_dim"):
        if (width := flags.integer(name, values["embed_dim"])) != values["embed_dim"]:
            flags.problems.append(f"{name} is {width}, but must equal encoder_embed_dim, {values['embed_dim']}")
    # What fairseq had before sources and targets each got their own.
    longest = flags.integer("max_positions", DEFAULTS["max_source_positions"])
    return values | {
        "encoder_positions": flags.positions("encoder"),
        "decoder_positions": flags.positions("decoder"),
        "max_source_positions": flags.integer("max_source_positions", longest),
        "max_target_positions": flags.integer("max_target_positions", longest),
        # The older name counts where the newer one is absent or 0, as in fairseq's layers.
        "activation_dropout": values["activation_dropout"]
        or flags.number("relu_dropout", DEFAULTS["activation_dropout"]),
        "share_decoder_input_output_embed": (
            values["share_all_embeddings"] or values["share_decoder_input_output_embed"]
        ),
        "checkpoint_activations": values["checkpoint_activations"] or flags.switch("offload_activations"),
    }


def transformer_scheme(arguments: Mapping[str, object]) -> Literal["postln", "preln"]:
    """Return where fairseq's own ``transformer`` normalises; raises UserError when its two stacks differ."""
    flags = _Flags(arguments)
    encoder, decoder = flags.switch("encoder_normalize_before"), flags.switch("decoder_normalize_before")
    if encoder != decoder:
        raise UserError("encoder_normalize_before and decoder_normalize_before differ, which is not supported.")
    return "preln" if encoder else "postln"


def unsupported(arguments: Mapping[str, object]) -> list[str]:
    """Return one phrase for each option set that changes the function in a way our layers do not have."""
    return [
        f"{name} is not supported"
        for name, neutral in UNSUPPORTED.items()
        if name in arguments and arguments[name] not in (None, "", neutral)
    ]


class _Flags:
    """Typed access to fairseq's loosely typed arguments; an absent flag and None both take the default."""

    def __init__(self, arguments: Mapping[str, object]) -> None:
        self.arguments = arguments
        self.problems: list[str] = []

    def value(self, option: ModelOption, default: Any) -> Any:
        """Return what the option makes of its field."""
        if option.is_switch:
            return option.given if self.switch(option.name) else default
        if isinstance(default, str):
            return self.word(option, default)
        return (self.integer if option.number is int else self.number)(option.name, default)

    def integer(self, name: str, default: int | None) -> int | None:
        value = self.arguments.get(name)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.problems.append(f"{name} is {value!r}, but must be a whole number")
        return default

    def number(self, name: str, default: float) -> float:
        value = self.arguments.get(name)
        if value is None:
            return default
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        self.problems.append(f"{name} is {value!r}, but must be a number")
        return default

    def switch(self, name: str) -> bool:
        value = self.arguments.get(name)
        if not isinstance(value, (bool, int, type(None))):  # such as 'no', of a configuration file
            self.problems.append(f"{name} is {value!r}, but must be true or false")
        return bool(value)

    def word(self, option: ModelOption, default: str) -> str:
        value = self.arguments.get(option.name)
        word = default if value is None else str(value)
        # `Config` complains under the name of its field: where that is the option's too, once is enough.
        if word in option.choices or option.name in option.fields:
            return word
        self.problems.append(f"{option.name} is {word!r}, but must be one of {', '.join(option.choices)}")
        return default

    def positions(self, side: StackName) -> Positions:
        """fairseq's two switches, or one choice for both stacks; rotary positions are not added to embeddings."""
        chosen = self.arguments.get("positions")
        none, learned = self.switch("no_token_positional_embeddings"), self.switch(f"{side}_learned_pos")
        switches = {f"--{side}-learned-pos": learned, "--no-token-positional-embeddings": none}
        switches[f"--positions {chosen}"] = chosen is not None and not (learned and chosen == "learned")
        words = [flag for flag, given in switches.items() if given]
        if len(words) > 1 and not (none and not learned and chosen in ("none", "rotary")):
            self.problems.append(f"{' and '.join(words)} contradict each other; give one of them")
        if chosen is None:
            chosen = "none" if none else "learned" if learned else DEFAULTS[f"{side}_positions"]
        return cast("Positions", chosen)
