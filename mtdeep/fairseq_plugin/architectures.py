"""fairseq's architectures of the family: arguments and presets -> nn.Config -> model.

Each scheme is one of translation (`_mt`), a language model (`_lm`) and a masked language model (`_mlm`), named as in
`mtdeep.nn.presets`. A preset fills in what the command line leaves open, and nothing else.
"""

from __future__ import annotations

import logging
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from fairseq.models import ARCH_MODEL_REGISTRY, register_model, register_model_architecture
from fairseq.tasks import TASK_REGISTRY, FairseqTask

from mtdeep.checkpoint import config_from_arguments
from mtdeep.checkpoint.model_options import DECODER, ENCODER, MODEL_OPTIONS, POSITION_OPTIONS, Stacks, options_of
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.arguments import ModelArguments, as_dict, write
from mtdeep.fairseq_plugin.flags import Arguments, add_flags, unset_arguments
from mtdeep.fairseq_plugin.model import CausalModel, MaskedModel, TranslationModel
from mtdeep.nn import Config
from mtdeep.nn.config import DEFAULTS, SchemeName
from mtdeep.nn.presets import NAMES, PRESETS, SIZES, Fields, scheme_fields
from mtdeep.nn.scheme import SCHEMES

logger = logging.getLogger(__name__)


class Family:
    """What the three kinds of architectures differ in for fairseq's command line; a subclass names its scheme."""

    scheme: ClassVar[SchemeName]
    stacks: ClassVar[Stacks]
    # What an argument takes from another one when neither the command line nor the preset sets it.
    inherited: ClassVar[Mapping[str, str]] = {}
    # fairseq's only task for a stack on its own.
    task: ClassVar[str | None] = None
    # The task's options that the model depends on.
    from_task: ClassVar[tuple[str, ...]]

    @classmethod
    def add_args(cls, parser: ArgumentParser) -> None:
        """Add the flags."""
        add_flags(parser, options_of(cls.stacks))

    @classmethod
    def options(cls) -> frozenset[str]:
        """Return the names of the flags, as a configuration file has them."""
        return frozenset(option.name for option in options_of(cls.stacks))

    @classmethod
    def complete(cls, args: ModelArguments, task: FairseqTask) -> dict[str, object]:
        """Fill in *args* what the model depends on, and return it.

        A command line holds the task's options, too; a configuration file has them elsewhere. An architecture of the
        user's own may have set its sizes alone.
        """
        if not isinstance(args, Namespace):
            options, given = as_dict(task.cfg), as_dict(args)
            write(args, {name: options.get(name) for name in cls.from_task if name not in given})
        fill_in(cls, scheme_fields(cls.scheme))(args)
        return {**dict.fromkeys(cls.from_task), **as_dict(args)}


class Translation(Family, TranslationModel):
    """An encoder-decoder."""

    from_task: ClassVar = ("max_source_positions", "max_target_positions", "left_pad_target")
    stacks: ClassVar = ENCODER | DECODER
    inherited: ClassVar = {
        "decoder_embed_dim": "encoder_embed_dim",
        "decoder_ffn_embed_dim": "encoder_ffn_embed_dim",
        "decoder_attention_heads": "encoder_attention_heads",
    }

    @classmethod
    def build_model(cls, args: ModelArguments, task: FairseqTask) -> Translation:
        """Build the model and record its configuration in *args*, which fairseq writes into every checkpoint."""
        check_task(cls, task)
        arguments = cls.complete(args, task)
        source, target = task.source_dictionary, task.target_dictionary
        problems = []
        if arguments["share_all_embeddings"] and source != target:
            problems.append("--share-all-embeddings needs one dictionary for source and target; this data has two")
        if str(arguments.get("left_pad_target")) == "True":  # stock tasks keep a truth value or its name
            problems.append("--left-pad-target is not supported, decoder inputs are padded on the right; leave it out")
        config = recorded_config(args, cls.scheme, len(source), len(target), arguments, problems)
        return cls(config, source, target)


class Language(Family, CausalModel):
    """A decoder alone, for fairseq's `language_modeling`."""

    task: ClassVar = "language_modeling"
    from_task: ClassVar = ("max_target_positions", "tokens_per_sample")
    stacks: ClassVar = DECODER

    @classmethod
    def build_model(cls, args: ModelArguments, task: FairseqTask) -> Language:
        """Build the model and record its configuration in *args*."""
        check_task(cls, task)
        arguments = cls.complete(args, task)
        longest = arguments["max_target_positions"] or arguments["tokens_per_sample"]
        arguments |= {
            "encoder_layers": 0,
            "encoder_embed_dim": arguments["decoder_embed_dim"],
            "encoder_attention_heads": arguments["decoder_attention_heads"],
            "max_source_positions": longest,
            "max_target_positions": longest,
        }
        size = len(task.target_dictionary)
        problems = []
        if len(task.source_dictionary) != size:  # a truncated dictionary equals the whole one, but for its length
            problems.append("--output-dictionary-size is not supported; leave it out")
        return cls(recorded_config(args, cls.scheme, size, size, arguments, problems), task.target_dictionary)


class MaskedLanguage(Family, MaskedModel):
    """An encoder alone, for fairseq's `masked_lm`; its output projection is its embedding table.

    BERT and fairseq's RoBERTa have another layer, a normalisation and a bias before it.
    """

    task: ClassVar = "masked_lm"
    from_task: ClassVar = ("include_target_tokens", "tokens_per_sample")
    stacks: ClassVar = ENCODER

    @classmethod
    def build_model(cls, args: ModelArguments, task: FairseqTask) -> MaskedLanguage:
        """Build the model and record its configuration in *args*."""
        check_task(cls, task)
        arguments = cls.complete(args, task)
        problems = []
        if arguments["include_target_tokens"]:
            problems.append("--include-target-tokens is not supported; leave it out")
        arguments |= {
            "decoder_layers": 0,
            "decoder_attention_heads": arguments["encoder_attention_heads"],
            "share_all_embeddings": True,
            "max_source_positions": arguments["tokens_per_sample"],
            "max_target_positions": arguments["tokens_per_sample"],
        }
        size = len(task.source_dictionary)
        return cls(recorded_config(args, cls.scheme, size, size, arguments, problems), task.source_dictionary)


def check_known(args: ModelArguments) -> None:
    """Raise UserError for an architecture that is not registered, as a checkpoint may name one of its user's own."""
    given = as_dict(args)
    name = given.get("_name") or given.get("arch")
    if name is not None and name not in ARCH_MODEL_REGISTRY:
        raise UserError(
            f"the architecture {name!r} is not known here; give the --user-dir of the training that it was made for."
        )


def check_task(model: type[Family], task: FairseqTask) -> None:
    """Raise UserError when a stack on its own has another task than its own, or translation has one of those."""
    name = model.__name__
    scheme = name.rpartition("_")[0]
    if model.task is not None:
        if not isinstance(task, TASK_REGISTRY[model.task]):
            raise UserError(f"--arch {name} is for --task {model.task}; give that task, or --arch {scheme}_mt.")
    elif isinstance(task, tuple(TASK_REGISTRY[own] for own in (Language.task, MaskedLanguage.task))):
        raise UserError(f"--arch {name} translates; for this task give --arch {scheme}_lm or {scheme}_mlm.")


def recorded_config(
    args: ModelArguments,
    scheme: SchemeName,
    source_size: int,
    target_size: int,
    arguments: Arguments,
    problems: Iterable[str],
) -> Config:
    """Return the configuration that *arguments* describe, put it into *args*, and warn of flags without effect."""
    config = config_from_arguments(
        arguments,
        source_vocabulary_size=source_size,
        target_vocabulary_size=target_size,
        scheme=scheme,
        known_problems=problems,
    )
    for name in sorted(config.idle()):
        if getattr(config, name) != DEFAULTS[name]:
            flag = next(option.flag for option in MODEL_OPTIONS if name in option.fields)
            logger.warning(f"{flag} has no effect here (scheme {scheme}, shaping {config.shaping}).")
    write(args, {"mtdeep_config": config.to_dict()})
    return config


def fill_in(model: type[Family], preset: Fields) -> Callable[[ModelArguments], None]:
    """Return fairseq's "architecture function": it sets what is not set yet."""
    options = [option for option in options_of(model.stacks) if option.name not in model.inherited]
    unset = unset_arguments(options, preset)

    def apply(args: ModelArguments) -> None:
        given = as_dict(args)
        if any(given.get(option.name) for option in POSITION_OPTIONS if option.is_switch):
            given.setdefault("positions", None)  # said already, in fairseq's words
        for name, value in unset.items():
            given.setdefault(name, value)
        for name, origin in model.inherited.items():
            given.setdefault(name, given[origin])
        write(args, given)

    return apply


for family, suffix in ((Translation, "mt"), (Language, "lm"), (MaskedLanguage, "mlm")):
    for paper, scheme in NAMES.items():
        name = f"{paper}_{suffix}"
        members = {"scheme": scheme, "__doc__": SCHEMES[scheme].__doc__, "__module__": __name__}
        # An attribute of this module, where pickle looks for it.
        model = globals()[name] = register_model(name)(type(name, (family,), members))
        register_model_architecture(name, name)(fill_in(model, PRESETS[name]))
        if name == "deepnet_mt":
            for sized in (f"{name}_{size}" for size in SIZES):
                register_model_architecture(name, sized)(fill_in(model, PRESETS[sized]))
