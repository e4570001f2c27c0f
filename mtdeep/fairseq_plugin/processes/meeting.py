"""How the processes of a command meet: none waits for ever, and what keeps them apart is said in a sentence.

torch's own meeting waits for half an hour without a word where a process is missing or has another rank than it should,
and for ever where another service has the port. This one says after ten seconds what it waits for, and gives up after
as long as torchrun's does.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial

from torch.distributed import DistError, PrefixStore, Store

from mtdeep.errors import PassingTrouble, UserError, shortened
from mtdeep.fairseq_plugin.processes.interface import address_towards, choose_interface
from mtdeep.fairseq_plugin.processes.place import Place

logger = logging.getLogger(__name__)
PATIENCE = 600.0
"""Seconds in which all processes have to come."""
FIRST_WORD, FURTHER_WORDS = 10.0, 60.0
"""Seconds after which a process says what it waits for, and says it again."""
HEARD = 5.0
"""Seconds that the first process, which keeps what all share, and the others have for each other's last word."""
BUSY = 20.0
"""Seconds in which a port that is in use, perhaps by a training that is about to end, may become free."""
POLLING = 0.2


@dataclass(frozen=True)
class Meeting:
    """A process among those that have met."""

    place: Place
    rank: int
    processes: int
    store: Store
    """What they share."""
    prefix: str
    """Of their part of it."""

    @cached_property
    def is_beside_the_first(self) -> bool:
        """Whether this process is on the machine of the first one."""
        return self.host(0) == socket.gethostname()

    def again(self) -> Store:
        """Open what all share once more."""
        return PrefixStore(self.prefix, self.place.open(hosts=False))

    def name(self, rank: int) -> str:
        """Return a process's number and machine."""
        return f"process {rank} of {self.processes} (on {self.host(rank)})"

    def host(self, rank: int) -> str:
        """Return a process's machine."""
        return str(json.loads(self.store.get(f"is/{rank}"))[1])


def says_first(store: Store) -> bool:
    """Whether this process is to say what all know, being the first of its machine that asks."""
    return store.add(f"said/{socket.gethostname()}", 1) == 1


def meet(
    place: Place, rank: int, processes: int, *, command: str = "", agent: bool = False, patience: float = PATIENCE
) -> Meeting:
    """Meet the other processes; raises UserError when they do not fit together, PassingTrouble when not all come.

    command: what has to be the same in all of them, as a user knows it.
    agent: whether a launcher keeps what they share, and not the first of them.
    patience: seconds in which all have to come.
    """
    if not 0 <= rank < processes:
        raise UserError(
            f"--distributed-rank is {rank}, but must be from 0 to {processes - 1} with --distributed-world-size "
            f"{processes}."
        )
    deadline = time.monotonic() + patience
    store = _opened(place, rank, processes, hosts=rank == 0 and not agent, deadline=deadline)
    with _first_process_there(place, rank, processes):
        prefix = _round(store, rank, deadline) if agent else "mtdeep"
        met = Meeting(place, rank, processes, PrefixStore(prefix, store), prefix)
        _come(met, command)
        _wait_for_all(met, deadline, partial(_answer, store, prefix) if agent else lambda missing: None)
    return met


def _round(store: Store, rank: int, deadline: float) -> str:
    """Return the part of what a launcher's agent keeps that is this start's: it may keep an earlier one's beside it.

    The first process opens it, and answers who asks, each of whom has a word of its own: an earlier start's processes
    may have asked too, or may have ended before they did.
    """
    if rank == 0:
        return f"mtdeep/{store.add('mtdeep/rounds', 1)}"
    word = uuid.uuid4().hex
    store.set(f"mtdeep/asks/{rank}", word)
    waiting = _Waiting(deadline)
    while not store.check([f"mtdeep/answers/{word}"]):
        waiting.wait(lambda: f"process {rank} waits for process 0 of this start")
    return store.get(f"mtdeep/answers/{word}").decode()


def _answer(store: Store, prefix: str, missing: Sequence[int]) -> None:
    for rank in missing:
        if store.check([f"mtdeep/asks/{rank}"]):
            store.set(f"mtdeep/answers/{store.get(f'mtdeep/asks/{rank}').decode()}", prefix)


def _opened(place: Place, rank: int, processes: int, *, hosts: bool, deadline: float) -> Store:
    """Return the open store; torch's call comes back late or never where something else has the port."""
    waiting = _Waiting(deadline)
    while not hosts and place.trouble() is not None:
        waiting.wait(lambda: _far(place, rank, processes))
    busy_until = time.monotonic() + BUSY
    while True:
        try:
            return _opened_in_time(place, rank, processes, hosts=hosts, waiting=waiting)
        except PassingTrouble:  # its port is in use
            if not hosts or time.monotonic() > busy_until:
                raise
            time.sleep(POLLING)


def _opened_in_time(place: Place, rank: int, processes: int, *, hosts: bool, waiting: _Waiting) -> Store:
    opened: list[Store | BaseException] = []
    opener = threading.Thread(target=_keep_outcome, args=(opened, lambda: place.open(hosts=hosts)), daemon=True)
    opener.start()
    while opener.is_alive():
        opener.join(POLLING)
        if opener.is_alive():
            waiting.wait(lambda: _far(place, rank, processes))
    (outcome,) = opened
    if isinstance(outcome, DistError):
        raise PassingTrouble(f"{_far(place, rank, processes)}.") from outcome
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _keep_outcome(outcomes: list[Store | BaseException], make: Callable[[], Store]) -> None:
    try:
        outcomes.append(make())
    except BaseException as error:
        outcomes.append(error)


def _far(place: Place, rank: int, processes: int) -> str:
    trouble = place.trouble() or "what answers there is no training"
    return (
        f"process {rank} of {processes} does not reach process 0 at {place}: {trouble}; start process 0 there, or "
        "correct --distributed-init-method (with torchrun --master-addr and --master-port)"
    )


def _come(met: Meeting, command: str) -> None:
    """Say that this process has come, as what."""
    if met.store.add(f"came/{met.rank}", 1) > 1:
        _settle(met, UserError(f"two processes have rank {met.rank}: give each its own --distributed-rank."))
    address = ""
    with suppress(OSError):  # IPv6 alone
        address = address_towards(met.place.host)
    met.store.set(f"is/{met.rank}", json.dumps([met.processes, socket.gethostname(), address, command]))


def _settle(met: Meeting, problem: UserError | None, elsewhere: str = "") -> None:
    """Let all know what comes of the meeting."""
    passes = isinstance(problem, PassingTrouble)
    met.store.set("outcome", json.dumps(["" if problem is None else str(problem), passes, elsewhere]))


def _wait_for_all(met: Meeting, deadline: float, answer: Callable[[Sequence[int]], None]) -> None:
    """Wait until it is known what comes of the meeting; the first process may have to *answer* who is missing."""
    waiting = _Waiting(deadline if met.rank == 0 else deadline + HEARD)  # the first knows who is missing, and says it
    missing = list(range(met.processes))
    while not met.store.check(["outcome"]):
        if met.rank == 0:
            answer(missing)
            missing = [rank for rank in missing if not met.store.check([f"is/{rank}"])]
            if not missing:
                _settle(met, *_compared(met))
                continue
        try:
            waiting.wait(partial(_absent, met, missing))
        except UserError as error:
            _settle(met, error)
    problem, passes, elsewhere = json.loads(met.store.get("outcome"))
    met.store.add("heard", 1)
    if problem:
        kind = PassingTrouble if passes else UserError
        # Of processes that another one has started, that one says it.
        says = multiprocessing.parent_process() is not None or says_first(met.store)
        if met.rank == 0:
            _wait_until_heard(met)
        if not says:
            raise SystemExit(kind.exit_code)
        raise kind(problem)
    if elsewhere:  # on the first process's machine its name may lead to itself alone
        choose_interface(elsewhere if socket.gethostname() == met.host(0) else met.place.host)


def _absent(met: Meeting, missing: list[int]) -> str:
    if met.rank > 0:
        return f"process {met.rank} of {met.processes} waits at {met.place} for the others"
    ranks = shortened([str(rank) for rank in missing])
    return (
        f"{met.processes - len(missing)} of {met.processes} processes have come to {met.place}; missing: {ranks}; "
        "start them, or correct --distributed-world-size"
    )


def _compared(met: Meeting) -> tuple[UserError | None, str]:
    """Return what does not fit together among those who have come, and the address of one on another machine."""
    elsewhere = ""
    _, _, _, command = json.loads(met.store.get("is/0"))
    for rank in range(1, met.processes):
        processes, host, address, other = json.loads(met.store.get(f"is/{rank}"))
        who = f"process {rank} (on {host})"
        if processes != met.processes:
            return UserError(
                f"{who} has --distributed-world-size {processes}, but process 0 has {met.processes}: give all of them "
                "the same."
            ), ""
        if other != command:
            return UserError(
                f"{who} has {other}, but process 0 has {command}: give all of them the same, or, where tasks of srun "
                "are to train apart, start them with `env -u SLURM_STEP_NUM_TASKS`."
            ), ""
        if host != socket.gethostname():
            elsewhere = elsewhere or address
    return None, elsewhere


def _wait_until_heard(met: Meeting) -> None:
    deadline = time.monotonic() + HEARD
    came = sum(met.store.check([f"is/{rank}"]) for rank in range(met.processes))
    while met.store.add("heard", 0) < came and time.monotonic() < deadline:
        time.sleep(POLLING)


@contextmanager
def _first_process_there(place: Place, rank: int, processes: int) -> Iterator[None]:
    try:
        yield
    except DistError as error:
        raise PassingTrouble(
            f"process {rank} of {processes}: process 0, at {place}, ended before all had come; its output says why."
        ) from error


class _Waiting:
    """Says now and then what a process waits for, and gives up in time."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._began = time.monotonic()
        self._next = self._began + FIRST_WORD

    def wait(self, what: Callable[[], str]) -> None:
        """Wait a little; raises PassingTrouble with *what* at the end of all patience."""
        now = time.monotonic()
        if now >= self._deadline:
            raise PassingTrouble(f"{what()} (waited {now - self._began:.0f} s).")
        if now >= self._next:
            logger.warning(f"{what()} (since {now - self._began:.0f} s)")
            self._next = now + FURTHER_WORDS
        time.sleep(POLLING)
