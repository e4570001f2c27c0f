"""`--bf16` switches to TPU mode, whatever the device: here it does so only beside `--tpu`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.options"


def without_implied_tpu(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a parser that takes `tpu` back where the command line does not have it."""

    @wraps(original)
    def parse_args_and_arch(
        parser: Any,
        input_args: list[str] | None = None,
        parse_known: bool = False,
        suppress_defaults: bool = False,
        modify_parser: Any = None,
    ) -> Any:
        parsed = original(parser, input_args, parse_known, suppress_defaults, modify_parser)
        args = parsed[0] if parse_known else parsed
        if "tpu" in vars(args) and "--tpu" not in (sys.argv[1:] if input_args is None else input_args):
            args.tpu = False
        return parsed

    return parse_args_and_arch


PATCH = replacement(
    name="bf16_means_tpu",
    mends="--bf16 fails on CPU and CUDA because it implies --tpu",
    ticket="facebookresearch/fairseq#4696",
    module=MODULE,
    needed=partial(uses, MODULE, "parse_args_and_arch", "tpu"),
    places={"parse_args_and_arch": without_implied_tpu},
)
