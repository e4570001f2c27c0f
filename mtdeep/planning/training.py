"""What somebody wants to train on, and for how long."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mtdeep.errors import UserError
from mtdeep.nn import Config
from mtdeep.planning.units import format_bytes
from mtdeep.precision import PRECISIONS

RESERVES: Mapping[str, int] = {"cpu": 0, "cuda": 2 * 10**9}
"""Bytes of a device that are left to what is no tensor of a step: on CUDA an assumption (docs/planning.md)."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """The devices and the batches.

    precision: one of PRECISIONS. device: one of RESERVES. memory and reserve: bytes of each device, and those of them
    that are not for tensors (None: the device's RESERVES). sentence_length: tokens of the longer side of a pair, tag
    and end-of-sentence counted. max_tokens: --max-tokens of the batches, None for the largest that fits. update_freq:
    batches of each device in an update. bucket_view: --gradient-as-bucket-view.
    """

    precision: str
    device: str
    memory: int
    sentence_length: int
    devices: int = 1
    reserve: int | None = None
    max_tokens: int | None = None
    update_freq: int = 1
    bucket_view: bool = False

    @property
    def reserved(self) -> int:
        """Bytes of each device that are not for tensors."""
        return RESERVES[self.device] if self.reserve is None else self.reserve

    def check(self, config: Config) -> None:
        """Raise UserError where fairseq cannot train config so, or where the numbers contradict each other."""
        for what, value, known in (("precision", self.precision, PRECISIONS), ("device", self.device, RESERVES)):
            if value not in known:
                raise UserError(f"{what} {value!r} is none of {', '.join(known)}; choose one of them.")
        if self.precision == "fp16" and self.device == "cpu":
            raise UserError("fairseq's --fp16 needs a GPU; plan for --device cuda, or use bf16 or amp.")
        if self.bucket_view and self.devices == 1:
            raise UserError("--gradient-as-bucket-view is for two devices or more; raise --devices or leave it out.")
        if self.reserved >= self.memory:
            raise UserError(
                f"a reserve of {format_bytes(self.reserved)} leaves nothing of {format_bytes(self.memory)}; "
                "give more --memory or a smaller --reserve."
            )
        if self.max_tokens is not None and self.max_tokens < self.sentence_length:
            raise UserError(
                f"--max-tokens {self.max_tokens} holds no sentence of {self.sentence_length} tokens; "
                "raise it or shorten --sentence-length."
            )
        stacks = [config.of_stack(name) for name in ("encoder", "decoder")]
        longest = min(stack.max_positions for stack in stacks if stack.layers)
        if self.sentence_length > longest:
            raise UserError(
                f"sentences of {self.sentence_length} tokens exceed the {longest} positions that the model takes; "
                "shorten --sentence-length or raise max_source_positions and max_target_positions."
            )


@dataclass(frozen=True, kw_only=True)
class Course:
    """How long a training is, and how fast; None is what nobody has said. Raises UserError for contradictions.

    updates, or epochs over corpus_tokens; corpus_tokens are counted as --max-tokens counts, padding included.
    tokens_per_second: of all devices, measured. tflops and utilisation: 10^12 operations that one device could do each
    second, and the part of them that training reaches (None: all, for tflops that were measured in training).
    """

    updates: int | None = None
    epochs: float | None = None
    corpus_tokens: int | None = None
    tokens_per_second: float | None = None
    tflops: float | None = None
    utilisation: float | None = None

    def __post_init__(self) -> None:
        if self.updates is not None and self.epochs is not None:
            raise UserError("--updates and --epochs both say how long to train; give one of them.")
        if self.epochs is not None and self.corpus_tokens is None:
            raise UserError("--epochs needs --corpus-tokens, the tokens of one epoch; give both, or --updates.")
        if self.tokens_per_second is not None and self.tflops is not None:
            raise UserError("--tokens-per-second and --tflops both say how fast the devices are; give one of them.")
        if self.utilisation is not None and self.tflops is None:
            raise UserError("--utilisation is a part of --tflops; give both.")
        if self.utilisation is not None and not 0 < self.utilisation <= 1:
            raise UserError(f"--utilisation {self.utilisation:g} is no part; give one above 0 and up to 1.")
        for name in ("updates", "epochs", "corpus_tokens", "tokens_per_second", "tflops"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UserError(f"--{name.replace('_', '-')} {value:g} is no number above 0; give one.")

    def updates_of(self, tokens: int) -> int | None:
        """Return the number of updates of so many tokens each."""
        if self.epochs is not None and self.corpus_tokens is not None:
            return math.ceil(self.epochs * self.corpus_tokens / tokens)
        return self.updates

    def speed(self, flops_per_token: float, devices: int) -> float | None:
        """Return the tokens that all devices do each second."""
        if self.tflops is None:
            return self.tokens_per_second
        whole = 1.0 if self.utilisation is None else self.utilisation
        return devices * whole * self.tflops * 1e12 / flops_per_token
