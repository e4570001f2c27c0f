"""`--bf16` switches to TPU mode, whatever the device: here it does so only beside `--tpu`."""

from __future__ import annotations

import sys
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch, is_ours

MODULE = "fairseq.options"


def needed() -> bool:
    """Whether the function that sets `tpu` is where it was."""
    return "tpu" in sys.modules[MODULE].parse_args_and_arch.__code__.co_names


def apply() -> None:
    """Take `tpu` back where the command line does not have it."""
    module: Any = sys.modules[MODULE]
    original = module.parse_args_and_arch

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

    module.parse_args_and_arch = parse_args_and_arch


PATCH = Patch(
    name="bf16_means_tpu",
    mends="--bf16 fails on CPU and CUDA because it implies --tpu",
    ticket="facebookresearch/fairseq#4696",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(is_ours, MODULE, "parse_args_and_arch"),
)
