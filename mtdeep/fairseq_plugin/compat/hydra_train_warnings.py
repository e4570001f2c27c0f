"""`fairseq-hydra-train` warns five times at every start of what only fairseq's authors could change.

Hydra 1.3 understands what was written for 1.0: a program that states no version, configurations headed
`# @package _group_`, as fairseq's documents have them, and schemas that have a configuration's name. Hydra 1.4 drops
it, hence `hydra-core<1.4` among our requirements. These messages are left out of fairseq's own runs; all others, and
those of other programs, are printed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch
from mtdeep.fairseq_plugin.compat.replacement import is_replaced, replace

#: How the messages begin, as regular expressions.
MESSAGES = (
    r"\s*The version_base parameter is not specified",
    r"In '.*': Usage of deprecated keyword in package header '# @package _group_'",
    r"\s*'.*' is validated against ConfigStore schema with the same name",
    r"Future Hydra versions will no longer change working directory at job runtime by default",
)


@contextmanager
def without_messages() -> Iterator[None]:
    """Leave these messages out."""
    with warnings.catch_warnings():
        for message in MESSAGES:
            warnings.filterwarnings("ignore", message=message)
        yield


def needed() -> bool:
    """Return whether hydra still understands fairseq, and so warns."""
    from importlib.metadata import version

    return version("hydra-core").startswith(("1.1.", "1.2.", "1.3."))


def quiet_for_fairseq(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a `hydra.main` that lets fairseq's programs be declared, and run, without these messages."""

    @wraps(original)
    def main(*arguments: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        def declare(program: Callable[..., Any]) -> Any:
            if not program.__module__.startswith("fairseq"):
                return original(*arguments, **options)(program)
            with without_messages():
                declared = original(*arguments, **options)(program)

            @wraps(declared)
            def run(*given: Any) -> Any:
                with without_messages():
                    return declared(*given)

            return run

        return declare

    return main


def apply() -> None:
    """Put it into hydra itself, from which fairseq's program takes it only as it starts."""
    import hydra

    replace(hydra, "main", quiet_for_fairseq)


PATCH = Patch(
    name="hydra_train_warnings",
    mends="five deprecation warnings of hydra 1.3 at every start of fairseq-hydra-train",
    ticket="facebookresearch/fairseq#3722",
    moment="after",
    module="fairseq.dataclass.initialize",
    needed=needed,
    apply=apply,
    active=partial(is_replaced, "hydra", "main", quiet_for_fairseq),
)
