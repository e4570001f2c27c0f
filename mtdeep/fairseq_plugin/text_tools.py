"""What ``--bpe`` and ``--tokenizer`` name: a tool that cannot be had is named in one sentence, before translating."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairseq.registry import REGISTRIES
from omegaconf.errors import MissingMandatoryValue

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.options import flag


def text_tool(option: str, args: Any, build: Callable[[Any], Any]) -> Any:
    """Return what *build* makes of the *option*'s configuration, if that names anything.

    Raises UserError for a tool that does not exist, and when a package or a file is missing. fairseq's tools say which
    by the errors that their own code, and that of their packages, ends in.
    """
    name, known = getattr(args, "_name", args), REGISTRIES[option.removeprefix("--")]["registry"]
    if name is not None and name not in known:
        raise UserError(f"{option} {name}: there is no such tool; name one of {', '.join(known)}, or leave it out.")
    try:
        return build(args)
    except MissingMandatoryValue as error:
        reason = f"{flag(str(error.key))} is missing; give it"
    except ImportError as error:
        reason = f"{error}; do that, or leave the option out"
    except (OSError, ValueError) as error:
        reason = f"{error}; give a file that can be read"
    raise UserError(f"{option} {name}: {reason}.")
