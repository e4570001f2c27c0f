"""The model, in torch alone: very deep encoder-decoder Transformers as the papers write them."""

from mtdeep.nn.cache import DecoderCache, EncoderOutput
from mtdeep.nn.config import Config
from mtdeep.nn.initialise import initialisation_report, initialise
from mtdeep.nn.loss import linear_cross_entropy
from mtdeep.nn.models import (
    EncoderDecoder,
    LanguageModel,
    MaskedLanguageModel,
    Model,
    build_model,
    token_embeddings,
)
from mtdeep.nn.transformer import Decoder, Encoder

__all__ = [
    "Config",
    "Decoder",
    "DecoderCache",
    "Encoder",
    "EncoderDecoder",
    "EncoderOutput",
    "LanguageModel",
    "MaskedLanguageModel",
    "Model",
    "build_model",
    "initialisation_report",
    "initialise",
    "linear_cross_entropy",
    "token_embeddings",
]
