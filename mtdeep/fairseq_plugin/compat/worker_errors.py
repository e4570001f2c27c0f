"""What the user did wrong ends a command of several processes with the traceback of one of them; here it is a sentence.

torch hands over the text of the traceback.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

from mtdeep.durable import is_full
from mtdeep.errors import PassingTrouble, UserError
from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.distributed.utils"
# As Python prints it: number, text, and the file if there is one.
SYSTEM_ERROR = re.compile(r"OSError: \[Errno (\d+)\] ([^:]*)(?:: '(.*)')?")


@contextmanager
def raising_workers_errors() -> Iterator[None]:
    """Raise a `UserError` or a full disk that ended a worker as such."""
    from torch.multiprocessing import ProcessRaisedException

    try:
        yield
    except ProcessRaisedException as problem:
        last = str(problem).rstrip().rpartition("\n")[2]
        if (system := SYSTEM_ERROR.fullmatch(last)) and is_full(error := OSError(int(system[1]), *system.groups()[1:])):
            raise error from None
        name, _, sentence = last.partition(": ")
        for kind in (UserError, PassingTrouble):
            if name == f"{kind.__module__}.{kind.__qualname__}":
                raise kind(sentence) from None
        raise


def raising(original: Callable[..., None]) -> Callable[..., None]:
    """Return what runs a command, and raises what its workers raise."""

    @wraps(original)
    def call_main(cfg: Any, main: Callable[..., None], **options: Any) -> None:
        with raising_workers_errors():
            original(cfg, main, **options)

    return call_main


PATCH = replacement(
    name="worker_errors",
    mends="a mistake of the user's ends in a worker's traceback",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/distributed/utils.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "call_main", "spawn"),
    places={"call_main": raising},
)
