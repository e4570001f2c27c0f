"""The models of ``mtdeep.nn`` in fairseq's clothes, built from its arguments and dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from fairseq.data import Dictionary
from fairseq.models import FairseqEncoderDecoderModel, FairseqEncoderModel, FairseqLanguageModel
from fairseq.tasks import TASK_REGISTRY, FairseqTask
from torch import Tensor, nn

from mtdeep.checkpoint.model_options import DECODER, ENCODER
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.arguments import ModelArguments
from mtdeep.fairseq_plugin.deep_model import FairseqDeepModel, unwrapped
from mtdeep.fairseq_plugin.stacks import FairseqDeepDecoder, FairseqDeepEncoder
from mtdeep.nn import Config, DecoderCache, token_embeddings

# From features (batch, time, dim) and the output projection's weight (vocabulary, dim) to whatever a criterion needs.
Head = Callable[[Tensor, Tensor], Any]


class FairseqDeepEncoderDecoder(FairseqDeepModel, FairseqEncoderDecoderModel):
    """Encoder-decoder built from an ``nn.Config`` and fairseq's dictionaries."""

    # fairseq's generator shall take attention from a pass over the whole translation; single steps return none.
    full_context_alignment = True

    from_task: ClassVar = ("max_source_positions", "max_target_positions", "left_pad_target")
    stack_names: ClassVar = ENCODER | DECODER
    inherited: ClassVar = {
        "decoder_embed_dim": "encoder_embed_dim",
        "decoder_ffn_embed_dim": "encoder_ffn_embed_dim",
        "decoder_attention_heads": "encoder_attention_heads",
    }

    def __init__(self, config: Config, source: Dictionary, target: Dictionary) -> None:
        source_embeddings, target_embeddings = token_embeddings(config)
        super().__init__(
            FairseqDeepEncoder(config, source_embeddings, source), FairseqDeepDecoder(config, target_embeddings, target)
        )
        self.config = config

    @classmethod
    def build_model(cls, args: ModelArguments, task: FairseqTask) -> FairseqDeepEncoderDecoder:
        """Build the model and record its configuration in *args*, which fairseq writes into every checkpoint."""
        cls.check_task(task)
        arguments = cls.complete(args, task)
        source, target = task.source_dictionary, task.target_dictionary
        problems = []
        if arguments["share_all_embeddings"] and source != target:
            problems.append("--share-all-embeddings needs one dictionary for source and target; this data has two")
        if str(arguments.get("left_pad_target")) == "True":  # stock tasks keep a truth value or its name
            problems.append("--left-pad-target is not supported, decoder inputs are padded on the right; leave it out")
        for stack, other in (("encoder", "lm"), ("decoder", "mlm")):
            if str(arguments[f"{stack}_layers"]) == "0":
                alone = f"{cls.__name__.rpartition('_')[0]}_{other}"
                problems.append(f"--{stack}-layers is 0, and {cls.__name__} has both stacks; give --arch {alone}")
        config = cls.recorded_config(args, arguments, len(source), len(target), problems)
        return cls(config, source, target)

    @classmethod
    def check_task(cls, task: FairseqTask) -> None:
        """Raise UserError for the task of a stack on its own."""
        others = (FairseqDeepLanguageModel, FairseqDeepMaskedLanguageModel)
        if isinstance(task, tuple(TASK_REGISTRY[model.task] for model in others)):
            scheme = cls.__name__.rpartition("_")[0]
            raise UserError(f"--arch {cls.__name__} translates; for this task give --arch {scheme}_lm or {scheme}_mlm.")

    def forward(
        self, src_tokens: Tensor, src_lengths: Tensor, prev_output_tokens: Tensor, head: Head | None = None
    ) -> Any:
        """Return logits (batch, time, vocabulary) as fairseq wants them, or what *head* makes of the features.

        A criterion hands in its head, rather than take the output projection's weight and go its own way, because
        distributed training must see every use of a parameter inside this call.
        """
        encoder_out = self.encoder(src_tokens, src_lengths)
        if head is None:
            return self.decoder(prev_output_tokens, encoder_out)
        features, _ = self.decoder(prev_output_tokens, encoder_out, features_only=True)
        return head(features, self.decoder.output_projection.weight)

    def max_positions(self) -> tuple[int, int]:
        """Longest source and target, in tokens."""
        return self.encoder.max_positions(), self.decoder.max_positions()


class FairseqDeepLanguageModel(FairseqDeepModel, FairseqLanguageModel):
    """Decoder alone, built from an ``nn.Config`` and fairseq's dictionary, for `language_modeling`."""

    task: ClassVar = "language_modeling"
    from_task: ClassVar = ("max_target_positions", "tokens_per_sample")
    stack_names: ClassVar = DECODER

    def __init__(self, config: Config, dictionary: Dictionary) -> None:
        super().__init__(FairseqDeepDecoder(config, token_embeddings(config)[1], dictionary))
        self.config = config

    @classmethod
    def build_model(cls, args: ModelArguments, task: FairseqTask) -> FairseqDeepLanguageModel:
        """Build the model and record its configuration in *args*."""
        cls.check_task(task)
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
        return cls(cls.recorded_config(args, arguments, size, size, problems), task.target_dictionary)

    def forward(
        self,
        src_tokens: Tensor,
        src_lengths: Tensor | None = None,
        incremental_state: dict[str, DecoderCache] | None = None,
        head: Head | None = None,
    ) -> Any:
        """Return logits (batch, time, vocabulary) as fairseq wants them, or what *head* makes of the features."""
        if head is None:
            return self.decoder(src_tokens, None, incremental_state)
        features, _ = self.decoder(src_tokens, features_only=True)
        return head(features, self.decoder.output_projection.weight)


class FairseqDeepMaskedLanguageModel(FairseqDeepModel, FairseqEncoderModel):
    """Encoder alone, built from an ``nn.Config`` and fairseq's dictionary, for `masked_lm`.

    Its output projection is its embedding table; BERT and fairseq's RoBERTa have another layer, a normalisation and a
    bias before it.
    """

    task: ClassVar = "masked_lm"
    from_task: ClassVar = ("include_target_tokens", "tokens_per_sample")
    stack_names: ClassVar = ENCODER

    def __init__(self, config: Config, dictionary: Dictionary) -> None:
        super().__init__(FairseqDeepEncoder(config, token_embeddings(config)[0], dictionary))
        self.config = config

    @classmethod
    def build_model(cls, args: ModelArguments, task: FairseqTask) -> FairseqDeepMaskedLanguageModel:
        """Build the model and record its configuration in *args*."""
        cls.check_task(task)
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
        return cls(cls.recorded_config(args, arguments, size, size, problems), task.source_dictionary)

    def forward(
        self, src_tokens: Tensor, src_lengths: Tensor | None = None, masked_tokens: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Any]]:
        """Return logits (masked, vocabulary) where masked_tokens (batch, time) is True; without it, of all tokens."""
        states = self.encoder(src_tokens)["encoder_out"][0].transpose(0, 1)
        return self.encoder.output_projection(states if masked_tokens is None else states[masked_tokens]), {}

    def get_normalized_probs(
        self, net_output: tuple[Tensor, dict[str, Any]], log_probs: bool, sample: object = None
    ) -> Tensor:
        """Return probabilities, or their logarithms, in float32."""
        logits = net_output[0].float()
        return logits.log_softmax(-1) if log_probs else logits.softmax(-1)


def takes_head(model: nn.Module) -> bool:
    """Whether a criterion may hand its head to this model, wrapped for distributed training or not."""
    return isinstance(unwrapped(model), (FairseqDeepEncoderDecoder, FairseqDeepLanguageModel))
