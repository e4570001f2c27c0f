"""A model of fairseq's clothes without them, for our own search: the same weights, called as `mtdeep.nn` calls them."""

from __future__ import annotations

from typing import Any, cast

from mtdeep.fairseq_plugin.models import FairseqDeepEncoderDecoder
from mtdeep.nn import Decoder, Encoder, EncoderDecoder


class _Plain:
    """A stack whose call is its base class's; all else is its own."""

    def __init__(self, stack: Encoder | Decoder, base: type[Encoder | Decoder]) -> None:
        self._stack, self._base = stack, base

    def __call__(self, *arguments: Any) -> Any:
        return self._base.forward(self._stack, *arguments)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stack, name)


class _PlainModel:
    def __init__(self, model: FairseqDeepEncoderDecoder) -> None:
        self._model = model
        self.config = model.config
        self.encoder = _Plain(model.encoder, Encoder)
        self.decoder = _Plain(model.decoder, Decoder)

    def to(self, device: object) -> _PlainModel:
        """Stay where the training has it."""
        return self

    def eval(self) -> _PlainModel:
        """Put the model into the mode for translating."""
        self._model.eval()
        return self


def plain_model(model: FairseqDeepEncoderDecoder) -> EncoderDecoder:
    """Return what can be called as an `EncoderDecoder`, for as long as *model* lives."""
    return cast("EncoderDecoder", _PlainModel(model))
