"""fairseq's architectures of the family: arguments and presets -> nn.Config -> model.

Presets are named by total depth, encoder plus decoder, as DeepNet's "200L" is (arXiv 2203.00555, Table 2). A preset
fills in what the command line leaves open, and nothing else.
"""

from __future__ import annotations

import logging
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from typing import ClassVar

from fairseq.models import register_model, register_model_architecture
from fairseq.tasks import FairseqTask

from mtdeep.checkpoint import config_from_arguments
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.model import TranslationModel

logger = logging.getLogger(__name__)

Arguments = Mapping[str, object]

INTEGERS = {
    "encoder-layers": "number of encoder layers, N",
    "decoder-layers": "number of decoder layers, M",
    "encoder-embed-dim": "width of the encoder",
    "decoder-embed-dim": "width of the decoder (default: the encoder's, and equal to it)",
    "encoder-ffn-embed-dim": "inner width of the encoder's feed-forward networks",
    "decoder-ffn-embed-dim": "inner width of the decoder's feed-forward networks (default: the encoder's)",
    "encoder-attention-heads": "number of encoder attention heads",
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
}
SWITCHES = {
    "encoder-learned-pos": "learned instead of sinusoidal positions in the encoder",
    "decoder-learned-pos": "learned instead of sinusoidal positions in the decoder",
    "no-token-positional-embeddings": "no positions added to the embeddings",
    "no-scale-embedding": "do not multiply embeddings by sqrt(width)",
    "share-decoder-input-output-embed": "one matrix for the decoder's embeddings and its output projection",
    "share-all-embeddings": "one matrix for encoder and decoder embeddings and the output projection",
    "checkpoint-activations": "recompute each layer's activations in the backward pass instead of keeping them",
}
# What an argument takes from another one when neither the command line nor the preset sets it.
INHERITED = {
    "decoder_embed_dim": "encoder_embed_dim",
    "decoder_ffn_embed_dim": "encoder_ffn_embed_dim",
    "decoder_attention_heads": "encoder_attention_heads",
}
BASE: Arguments = {
    "encoder_layers": 6,
    "decoder_layers": 6,
    "encoder_embed_dim": 512,
    "encoder_ffn_embed_dim": 2048,
    "encoder_attention_heads": 8,
    "activation_fn": "relu",
    "dropout": 0.1,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "residual_alpha": 1.0,
    "residual_scale": 1.0,
    **{switch.replace("-", "_"): False for switch in SWITCHES},
}
# Schemes in which an argument means something, where not in all.
EFFECTIVE_FOR = {"residual_alpha": ("residual",), "residual_scale": ("residual",)}
WIDE: Arguments = {"encoder_embed_dim": 1024, "encoder_ffn_embed_dim": 4096, "encoder_attention_heads": 16}
DEPTHS = (12, 36, 100, 200, 1000)


class SchemeModel(TranslationModel):
    """An encoder-decoder of the family; a subclass names its residual scheme."""

    scheme: ClassVar[str]

    @staticmethod
    def add_args(parser: ArgumentParser) -> None:
        """Add the flags, under fairseq's names."""
        for flag, text in INTEGERS.items():
            parser.add_argument(f"--{flag}", type=int, metavar="N", help=text)
        for flag, text in PROBABILITIES.items():
            parser.add_argument(f"--{flag}", type=float, metavar="P", help=text)
        for flag, text in FACTORS.items():
            parser.add_argument(f"--{flag}", type=float, metavar="X", help=text)
        for flag, text in SWITCHES.items():
            parser.add_argument(f"--{flag}", action="store_true", help=text)
        parser.add_argument("--activation-fn", choices=("relu", "gelu"), help="activation of feed-forward networks")

    @classmethod
    def build_model(cls, args: Namespace, task: FairseqTask) -> SchemeModel:
        """Build the model and record its configuration in *args*, which fairseq writes into every checkpoint."""
        source, target = task.source_dictionary, task.target_dictionary
        if args.share_all_embeddings and source != target:
            raise UserError("--share-all-embeddings needs one dictionary for source and target; this data has two.")
        if str(vars(args).get("left_pad_target")) == "True":  # stock tasks keep a truth value or its name
            raise UserError("--left-pad-target is not supported, decoder inputs are padded on the right; leave it out.")
        config = config_from_arguments(
            vars(args), source_vocabulary_size=len(source), target_vocabulary_size=len(target), scheme=cls.scheme
        )
        for name in EFFECTIVE_FOR:
            if cls.scheme not in EFFECTIVE_FOR[name] and getattr(args, name) != BASE[name]:
                logger.warning(f"--{name.replace('_', '-')} has no effect on {cls.scheme}.")
        args.mtdeep_config = config.to_dict()
        return cls(config, source, target)


@register_model("deepnet_mt")
class DeepNetMT(SchemeModel):
    """DeepNorm: LN(alpha x + f(x)) with beta-scaled initialisation (arXiv 2203.00555)."""

    scheme = "deepnorm"


@register_model("magneto_mt")
class MagnetoMT(SchemeModel):
    """Sub-LN: x + f(LN(x)) with a normalisation inside each branch (arXiv 2210.06423)."""

    scheme = "subln"


@register_model("residual_mt")
class ResiDualMT(SchemeModel):
    """ResiDual: Post-LN and an un-normalised sum beside it (arXiv 2304.14802)."""

    scheme = "residual"


@register_model("rezero_mt")
class ReZeroMT(SchemeModel):
    """ReZero: x + a f(x), a learned and 0 at first (arXiv 2003.04887)."""

    scheme = "rezero"


@register_model("dsinit_mt")
class DSInitMT(SchemeModel):
    """DS-Init: Post-LN with depth-scaled initial matrices (arXiv 1908.11365)."""

    scheme = "dsinit"


@register_model("postln_mt")
class PostLNMT(SchemeModel):
    """Post-LN: LN(x + f(x)) (arXiv 1706.03762)."""

    scheme = "postln"


@register_model("preln_mt")
class PreLNMT(SchemeModel):
    """Pre-LN: x + f(LN(x)) with a normalisation at the end of each stack (arXiv 2002.04745)."""

    scheme = "preln"


def fill_in(preset: Arguments) -> Callable[[Namespace], None]:
    """Return fairseq's "architecture function": it sets what is not set yet."""

    def apply(args: Namespace) -> None:
        given = vars(args)
        for name, value in {**BASE, **preset}.items():
            given.setdefault(name, value)
        for name, origin in INHERITED.items():
            given.setdefault(name, given[origin])

    return apply


def total_depth(layers: int) -> Arguments:
    """Split a total depth evenly over encoder and decoder."""
    return {"encoder_layers": layers // 2, "decoder_layers": layers // 2}


for model in ("deepnet_mt", "magneto_mt", "residual_mt", "rezero_mt", "dsinit_mt", "postln_mt", "preln_mt"):
    register_model_architecture(model, model)(fill_in({}))
for layers in DEPTHS:
    register_model_architecture("deepnet_mt", f"deepnet_mt_{layers}")(fill_in(total_depth(layers)))
register_model_architecture("deepnet_mt", "deepnet_mt_200_wide")(fill_in({**total_depth(200), **WIDE}))
