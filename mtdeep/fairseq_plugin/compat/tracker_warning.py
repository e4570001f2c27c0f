"""fairseq silences a warning about semaphores by the name that it had before Python 3.8, so every training has it.

Data loaders that end with the process that they serve leave their semaphores to Python's tracker, a process of its own,
which removes them and says so. It is told by the environment, in which the message has its present name here.
"""

from __future__ import annotations

import os
from functools import partial

from mtdeep.fairseq_plugin.compat.patch import Patch, uses

MODULE = "fairseq.data.iterators"
VARIABLE, OLD, NEW = "PYTHONWARNINGS", "ignore:semaphore_tracker:UserWarning", "ignore:resource_tracker:UserWarning"


def apply() -> None:
    """Add the present name to what processes that this one starts are told, before it starts any."""
    os.environ[VARIABLE] = ",".join(filter(None, (os.environ.get(VARIABLE), NEW)))


def active() -> bool:
    """Return whether processes are told, or fairseq has replaced what they are told since."""
    return any(name in os.environ.get(VARIABLE, "") for name in (NEW, OLD))


PATCH = Patch(
    name="tracker_warning",
    mends="a warning at the end of a training of several processes, of semaphores that were removed",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/data/iterators.py (no thread found)",
    moment="after",
    module=MODULE,
    needed=partial(uses, MODULE, "EpochBatchIterator._get_iterator_for_epoch", OLD),
    apply=apply,
    active=active,
)
