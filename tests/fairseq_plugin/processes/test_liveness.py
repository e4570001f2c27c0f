"""A process that is lost ends the others, which say which it was."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from torch.multiprocessing import ProcessExitedException

from mtdeep.errors import PassingTrouble, UserError
from mtdeep.fairseq_plugin.going_on import going_on
from mtdeep.fairseq_plugin.leaving import Leaving
from mtdeep.fairseq_plugin.processes import liveness
from mtdeep.fairseq_plugin.processes.liveness import (
    LOST,
    Heart,
    Life,
    Verdict,
    ended_by_a_lost_process,
    within_last_words,
)
from mtdeep.fairseq_plugin.processes.meeting import Meeting, meet
from mtdeep.fairseq_plugin.processes.place import Place

INTERVAL, SILENCE = 0.2, 2.0
PROCESS = f"""
import json, sys, time
from mtdeep.fairseq_plugin.processes.liveness import Heart
from mtdeep.fairseq_plugin.processes.meeting import meet
from mtdeep.fairseq_plugin.processes.place import Place
port, rank = map(int, sys.argv[1:])
found = []
heart = Heart(meet(Place("localhost", port), rank, 3), found.append, interval={INTERVAL}, silence={SILENCE})
heart.start()
print("lives", flush=True)
while not found:
    time.sleep(0.1)
print(json.dumps([found[0].why, found[0].code]), flush=True)
sys.stdin.read()  # the first process keeps what all share
"""
HERE = f"(on {socket.gethostname()})"
SILENT = f"has not been heard of for {SILENCE:.0f} s: it was killed or stopped, or its machine cannot be reached"


@pytest.fixture
def processes(port: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Three that live."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(port), str(rank)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for rank in range(3)
    ]
    for each in started:
        assert each.stdout is not None and each.stdout.readline() == "lives\n"
    yield started
    for each in started:
        each.kill()
        each.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "rank", "why"),
    [
        (signal.SIGKILL, 0, f"process 0 of 3 {HERE} is gone; where it was not killed, its output says why"),
        (signal.SIGKILL, 1, f"process 1 of 3 {HERE} {SILENT}"),
        (signal.SIGSTOP, 0, f"process 0 of 3 {HERE} {SILENT}"),
        (signal.SIGSTOP, 2, f"process 2 of 3 {HERE} {SILENT}"),
    ],
)
def test_the_lost_one_is_named(processes: list[subprocess.Popen[str]], number: int, rank: int, why: str) -> None:
    time.sleep(3 * INTERVAL)
    os.kill(processes[rank].pid, number)
    for other in (each for each in processes if each is not processes[rank]):
        assert other.stdout is not None
        assert json.loads(other.stdout.readline()) == [why, LOST]


@pytest.mark.slow
def test_a_job_that_was_held_goes_on(processes: list[subprocess.Popen[str]]) -> None:
    """All stood still, and go on one after the other: what each knows of the others is old."""
    for number, apart in ((signal.SIGSTOP, 0.0), (signal.SIGCONT, 3 * INTERVAL)):
        for each in processes:
            os.kill(each.pid, number)
            time.sleep(apart)
        time.sleep(2 * SILENCE)
    assert all(each.poll() is None for each in processes)
    os.kill(processes[1].pid, signal.SIGKILL)
    assert processes[2].stdout is not None
    assert json.loads(processes[2].stdout.readline()) == [f"process 1 of 3 {HERE} {SILENT}", LOST]


@pytest.fixture
def met(port: int) -> list[Meeting]:
    """Two, here threads."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda rank: meet(Place("localhost", port), rank, 2), range(2)))


def heart(meeting: Meeting, verdicts: list[Verdict]) -> Heart:
    """One that beats."""
    beating = Heart(meeting, verdicts.append, interval=INTERVAL, silence=SILENCE)
    beating.start()
    return beating


@pytest.mark.parametrize("first", [0, 1])
def test_who_is_done_is_not_missed(met: list[Meeting], first: int) -> None:
    verdicts: list[Verdict] = []
    hearts = [heart(each, verdicts) for each in met]
    time.sleep(2 * INTERVAL)
    hearts[first].end(None)
    assert hearts[1 - first].verdict(2 * SILENCE) is None
    assert verdicts == []
    hearts[1 - first].end(None)


@pytest.mark.parametrize("first", [0, 1])
def test_why_one_ends_the_others_hear(met: list[Meeting], first: int) -> None:
    hearts = [heart(each, []) for each in met]
    hearts[first].end("UserError: no room", 2)
    assert hearts[1 - first].verdict(SILENCE) == Verdict(f"process {first} of 2 {HERE} ended: UserError: no room", 2)


@pytest.fixture
def life(met: list[Meeting], monkeypatch) -> Life:
    """The first one's; it beats as the others do."""
    made = Life()
    made.begin(met[0])
    return made


@pytest.mark.parametrize(
    ("error", "heard"),
    [
        (UserError("no room; make some."), Verdict(f"process 0 of 2 {HERE} ended: no room; make some.", 2)),
        (PassingTrouble("no disk."), Verdict(f"process 0 of 2 {HERE} ended: no disk.", LOST)),
        (KeyError("x"), Verdict(f"process 0 of 2 {HERE} ended: KeyError: 'x'", LOST)),
        (RuntimeError("shapes\nmore"), Verdict(f"process 0 of 2 {HERE} ended: RuntimeError: shapes", LOST)),
        (SystemExit("by a module"), Verdict(f"process 0 of 2 {HERE} ended: exit code by a module", LOST)),
        (SystemExit(143), Verdict(f"process 0 of 2 {HERE} ended: exit code 143", LOST)),
        (Leaving(143), None),
    ],
)
def test_how_a_command_ends_is_told(met, life: Life, error: BaseException, heard: Verdict | None) -> None:
    other = heart(met[1], [])
    with pytest.raises(type(error)), life.shared(None):
        raise error
    assert other.verdict(SILENCE) == heard
    other.end(None)


GLOO = RuntimeError("[gloo/transport/tcp/pair.cc:538] Connection closed by peer [127.0.0.1]:1")


def test_a_broken_sum_waits_for_who_broke_it(met, life: Life, capfd, options) -> None:
    """The others' collective fails as soon as a process is gone, and does not say which."""
    met[1].store.set("verdict", json.dumps(["process 1 of 2 ended: KeyError: 'x'", LOST]))
    with pytest.raises(SystemExit) as ended, life.shared(partial(going_on, options)):
        raise GLOO
    assert ended.value.code == LOST
    begun = "no checkpoint has been written yet, so the same command starts from the beginning"
    assert capfd.readouterr().err.splitlines()[-1] == f"error: process 1 of 2 ended: KeyError: 'x'; {begun}"


def test_a_broken_sum_that_nobody_else_broke_is_told(met, life: Life, monkeypatch) -> None:
    """NCCL's own error on one process: the others, whose sums wait, hear of it."""
    monkeypatch.setattr(liveness, "SILENCE", 0.0)
    monkeypatch.setattr(liveness, "INTERVAL", 0.1)
    error = RuntimeError("NCCL Error 1: unhandled cuda error")
    with pytest.raises(RuntimeError, match="NCCL Error 1"), life.shared(None):
        raise error
    other = heart(met[1], [])
    assert other.verdict(SILENCE) == Verdict(f"process 0 of 2 {HERE} ended: RuntimeError: {error}", LOST)


def test_one_that_is_asked_to_leave_meanwhile_leaves(life: Life, monkeypatch) -> None:
    """By what has started the processes, and has lost one."""
    monkeypatch.setattr(liveness, "asked", lambda: [True, False])
    with pytest.raises(SystemExit) as ended, life.shared(None):
        raise GLOO
    assert ended.value.code == 143


@pytest.fixture
def options(tmp_path: Path) -> SimpleNamespace:
    """Those of checkpoints."""
    return SimpleNamespace(save_dir=str(tmp_path), checkpoint_suffix="", restore_file="checkpoint_last.pt")


def test_a_process_that_was_killed_is_said_by_the_one_that_started_it(options, capfd) -> None:
    with pytest.raises(SystemExit) as ended, ended_by_a_lost_process(partial(going_on, options)):
        raise ProcessExitedException("", error_index=1, error_pid=1, exit_code=-9, signal_name="SIGKILL")
    assert ended.value.code == LOST
    assert "process 1 on this machine was killed (SIGKILL; often for want of memory)" in capfd.readouterr().err
    with pytest.raises(SystemExit) as ended, ended_by_a_lost_process(partial(going_on, options)):
        raise ProcessExitedException("", error_index=1, error_pid=1, exit_code=LOST)
    assert (ended.value.code, capfd.readouterr().err) == (LOST, "")
    with pytest.raises(SystemExit) as ended, ended_by_a_lost_process(partial(going_on, options)):
        raise ProcessExitedException("", error_index=1, error_pid=1, exit_code=2)
    assert (ended.value.code, capfd.readouterr().err) == (2, ""), "what another process did wrong, which it has said"
    with pytest.raises(ProcessExitedException), ended_by_a_lost_process(partial(going_on, options)):
        raise ProcessExitedException("", error_index=1, error_pid=1, exit_code=-11, signal_name="SIGSEGV")


def test_a_save_is_finished(met, life: Life, monkeypatch, options) -> None:
    monkeypatch.setattr(liveness, "GRACE", 0)
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    with life.shared(partial(going_on, options)):
        with liveness.saving:
            met[1].store.set("verdict", json.dumps(["process 1 of 2 ended", LOST]))
            time.sleep(2 * INTERVAL)
            assert ended == []
        deadline = time.monotonic() + 20
        while not ended:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert ended == [LOST]
    assert liveness.saving.acquire(timeout=5), "the next save of a process that ends by itself"
    liveness.saving.release()


def test_the_first_keeps_what_all_share_until_they_know(met: list[Meeting], life: Life) -> None:
    """Whoever has found a loss, and whoever is to read of it, would else find nobody there."""
    verdict = Verdict("process 2 of 3 ended", LOST)
    met[1].store.set("verdict", json.dumps([verdict.why, verdict.code]))
    assert life._heart is not None and life._heart.verdict(3 * liveness.INTERVAL) == verdict
    began = time.monotonic()
    late = ThreadPoolExecutor().submit(lambda: (time.sleep(2), met[1].store.set("knows/1", "")))
    life._end(None)
    assert 1.5 < time.monotonic() - began < 6
    late.result()


@pytest.mark.parametrize("answer", [lambda: time.sleep(600), lambda: 1 / 0])
def test_last_words_hold_nothing_up(answer, monkeypatch) -> None:
    monkeypatch.setattr(liveness, "LAST_WORDS", 0.2)
    assert within_last_words(answer, otherwise="nothing") == "nothing"
    assert within_last_words(lambda: "yes", otherwise="no") == "yes"


def test_alone_nothing_beats(port: int) -> None:
    life = Life()
    life.begin(meet(Place("localhost", port), 0, 1))
    assert life._heart is None
    with life.shared(None):
        pass
