"""fairseq silences a warning about semaphores by the name that it had before Python 3.8, so every training has it.

Data loaders that end with the process that they serve leave their semaphores to Python's tracker, a process of its own,
which removes them and says so. It is told by the environment, in which the message has its present name here. fairseq
writes over what is there as it makes each iterator, so what it writes is added to it.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import partial

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.data.iterators"
VARIABLE, OLD, NEW = "PYTHONWARNINGS", "ignore:semaphore_tracker:UserWarning", "ignore:resource_tracker:UserWarning"


class Keeping:
    """An environment in which nobody writes over what warnings processes are told to leave out."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self.environment = environment

    def __setitem__(self, name: str, value: str) -> None:
        if name == VARIABLE:
            before = self.environment.get(VARIABLE, "").split(",")
            value = ",".join(dict.fromkeys(filter(None, (*before, *value.split(",")))))
        self.environment[name] = value


def with_the_present_name(environment: MutableMapping[str, str]) -> Keeping:
    """Return the environment that fairseq is to see, and tell all processes that this one starts the present name.

    That is done at once: a process that makes no iterator may start those that do, and the tracker before them.
    """
    keeping = Keeping(environment)
    keeping[VARIABLE] = NEW
    return keeping


PATCH = replacement(
    name="tracker_warning",
    mends="a warning at the end of a training of several processes, of semaphores that were removed",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/data/iterators.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "EpochBatchIterator._get_iterator_for_epoch", OLD),
    places={"os.environ": with_the_present_name},
)
