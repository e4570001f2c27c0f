"""The model, in torch alone: very deep encoder-decoder Transformers as the papers write them."""

from mtdeep.nn.cache import DecoderCache
from mtdeep.nn.config import Config
from mtdeep.nn.depth import DepthConstants, StackConstants, deepnorm, deepnorm_decoder_only, deepnorm_encoder_only
from mtdeep.nn.initialise import initialisation_report, initialise
from mtdeep.nn.loss import linear_cross_entropy
from mtdeep.nn.transformer import Decoder, Encoder, EncoderDecoder, EncoderOutput, token_embeddings

__all__ = [
    "Config",
    "Decoder",
    "DecoderCache",
    "DepthConstants",
    "Encoder",
    "EncoderDecoder",
    "EncoderOutput",
    "StackConstants",
    "deepnorm",
    "deepnorm_decoder_only",
    "deepnorm_encoder_only",
    "initialisation_report",
    "initialise",
    "linear_cross_entropy",
    "token_embeddings",
]
