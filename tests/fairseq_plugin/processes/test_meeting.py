"""Processes meet, or it is said in a sentence why they do not."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from unittest import mock

import pytest

from mtdeep.errors import PassingTrouble, UserError
from mtdeep.fairseq_plugin.processes import meeting
from mtdeep.fairseq_plugin.processes.interface import VARIABLE, address_towards, choose_interface, interface_with
from mtdeep.fairseq_plugin.processes.meeting import Meeting, meet
from mtdeep.fairseq_plugin.processes.place import Place


@pytest.fixture
def place(port: int) -> Place:
    """A free port of this machine."""
    return Place("localhost", port)


@pytest.fixture
def outcomes(place: Place) -> Iterator[Callable[..., list[Meeting | BaseException]]]:
    """Return what comes of processes, here threads: (*(rank, processes), patience)."""
    pool = ThreadPoolExecutor()

    def meet_all(
        *who: tuple[int, int], patience: float = 20, at: Place = place, commands: Sequence[str] = ("", "", "")
    ) -> list[Meeting | BaseException]:
        def one(rank: int, processes: int) -> Meeting | BaseException:
            try:
                return meet(at, rank, processes, command=commands[rank], patience=patience)
            except (UserError, SystemExit) as error:
                return error

        return list(pool.map(lambda each: one(*each), who))

    yield meet_all
    pool.shutdown()


def test_all_meet_and_know_each_other(outcomes) -> None:
    met = outcomes((2, 3), (0, 3), (1, 3))
    assert [each.name(1) for each in met] == [f"process 1 of 3 (on {socket.gethostname()})"] * 3
    met[0].store.set("word", "there")
    assert met[1].store.get("word") == met[2].again().get("word") == b"there"


def said(outcome: list[BaseException], kind: type[UserError] = UserError) -> str:
    """The sentence, which the first of a machine says alone."""
    (error,) = (each for each in outcome if isinstance(each, UserError))
    assert type(error) is kind
    assert all(each.code == kind.exit_code for each in outcome if isinstance(each, SystemExit))
    return str(error)


def test_who_is_missing_is_said(outcomes, place: Place, caplog, monkeypatch) -> None:
    monkeypatch.setattr(meeting, "FIRST_WORD", 0.5)
    with caplog.at_level(logging.WARNING):
        outcome = outcomes((0, 4), (2, 4), patience=1.5)
    sentence = said(outcome, PassingTrouble)
    assert sentence.startswith(f"2 of 4 processes have come to {place}; missing: 1, 3; start them, or correct ")
    assert "missing: 1, 3" in caplog.text
    assert "process 2 of 4 waits" in caplog.text


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        (((0, 2), (1, 3)), "process 1 (on {host}) has --distributed-world-size 3, but process 0 has 2"),
        (((0, 3), (1, 3), (1, 3)), "two processes have rank 1: give each its own --distributed-rank."),
        (((2, 2),), "--distributed-rank is 2, but must be from 0 to 1 with --distributed-world-size 2."),
    ],
)
def test_those_that_do_not_fit_together(outcomes, who: tuple[tuple[int, int], ...], sentence: str) -> None:
    assert sentence.format(host=socket.gethostname()) in said(outcomes(*who))


def test_trainings_of_two_commands_are_not_one(outcomes) -> None:
    """As a sweep over seeds within srun would be."""
    commands = ["--save-dir run0 and --seed 1", "--save-dir run1 and --seed 2"]
    sentence = said(outcomes((0, 2), (1, 2), commands=commands))
    assert "has --save-dir run1 and --seed 2, but process 0 has --save-dir run0 and --seed 1: give all of" in sentence
    assert "`env -u SLURM_STEP_NUM_TASKS`" in sentence


def test_where_an_agent_keeps_what_they_share_they_may_meet_again(place: Place) -> None:
    """torchrun's does, and starts them all again when one has ended."""
    agent = place.open(hosts=True)
    with ThreadPoolExecutor() as pool:
        for alone in (0, 1):  # the other one has ended before it came
            with pytest.raises(PassingTrouble):
                meet(place, alone, 2, agent=True, patience=0.5)
        for start in (1, 2):
            met = list(pool.map(lambda rank: meet(place, rank, 2, agent=True, patience=20), range(2)))
            assert met[0].prefix == met[1].prefix
            assert not met[0].store.check(["verdict"])
            met[start % 2].store.set("verdict", "of this start")
    assert agent.check(["mtdeep/2/verdict", "mtdeep/3/verdict"])


def test_a_port_that_becomes_free(place: Place) -> None:
    """Of a training that is about to end."""
    server = socket.create_server(("localhost", place.port))
    threading.Timer(1, server.close).start()
    assert meet(place, 0, 1, patience=20).processes == 1


def test_a_caller_that_is_joined_to_itself_has_reached_nobody(place: Place) -> None:
    """Linux does so where nobody listens and it lends the caller that very port."""

    class Joined(socket.socket):
        def connect(self, address: tuple[str, int]) -> None:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.bind(address)
            super().connect(address)

    with mock.patch("socket.socket", Joined):
        assert place.trouble() == "nothing listens there"
    server = place.open(hosts=True)
    assert place.trouble() is None
    del server


def test_a_port_in_use(outcomes, place: Place, monkeypatch) -> None:
    monkeypatch.setattr(meeting, "BUSY", 0.5)
    with closing(socket.create_server(("localhost", place.port))):
        assert f"port {place.port} of this machine is in use" in said(outcomes((0, 2)), PassingTrouble)


@pytest.mark.parametrize("service", ["silent", "none"])
def test_a_first_process_that_is_not_there(outcomes, place: Place, service: str) -> None:
    """Something else may have its port, and torch waits for ever for what it would say."""
    if service == "silent":
        with closing(socket.create_server(("localhost", place.port))):
            sentence = said(outcomes((1, 2), patience=1), PassingTrouble)
    else:
        sentence = said(outcomes((1, 2), patience=1), PassingTrouble)
    why = {"silent": "what answers there is no training", "none": "nothing listens there"}[service]
    assert sentence.startswith(f"process 1 of 2 does not reach process 0 at {place}: {why}; start process 0 there")


def test_a_name_that_nobody_knows(outcomes) -> None:
    at = Place.of("tcp://no-such-host.invalid:23456")
    assert "does not know the name no-such-host.invalid" in said(outcomes((1, 2), patience=0.5, at=at), PassingTrouble)


@pytest.mark.parametrize("method", ["tcp://there", "tcp://there:x", "there:1234", "env://"])
def test_what_is_no_place(method: str, monkeypatch) -> None:
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(UserError, match="must be tcp://HOST:PORT, file:///PATH or env://"):
        Place.of(method)


def test_the_interface_that_leads_to_a_host(monkeypatch) -> None:
    assert interface_with(address_towards("localhost")) == "lo"
    assert interface_with("192.0.2.1") is None, "an address of documentations"
    monkeypatch.delenv(VARIABLE, raising=False)
    choose_interface("localhost")
    assert os.environ.pop(VARIABLE) == "lo"
    monkeypatch.setenv(VARIABLE, "the user's")
    choose_interface("localhost")
    assert os.environ[VARIABLE] == "the user's"
