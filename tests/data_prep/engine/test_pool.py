"""Tasks in processes: each once, killed workers replaced, errors said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stand_in

from data_prep.engine.pool import Pool, local
from data_prep.engine.task import Step, Task
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return Pool(tmp_path / "work", local(2), ProgressReport())


def tasks(run: Callable[..., Any], folder: Path, count: int = 5) -> list[Task]:
    step = Step("s", run, 1)
    return [step.task(f"task {i}", {"i": i}, {"number": i, "calls": folder / "calls"}) for i in range(count)]


def calls(folder: Path) -> list[int]:
    return sorted(int(line) for line in (folder / "calls").read_text().split())


def test_each_is_done_once_and_results_are_in_the_tasks_order(pool: Pool, tmp_path: Path) -> None:
    first = pool.run("stage", tasks(stand_in.note, tmp_path))
    assert [result.record["number"] for result in first] == list(range(5))
    assert pool.run("stage", tasks(stand_in.note, tmp_path, 6))[:5] == first
    assert calls(tmp_path) == list(range(6))


def test_a_killed_worker_costs_its_tasks_alone(pool: Pool, tmp_path: Path) -> None:
    work = [*tasks(stand_in.note, tmp_path, 3)]
    work.append(Step("s", stand_in.die_once, 1).task("dies", {"i": 9}, {"number": 9, "calls": tmp_path / "calls"}))
    assert [result.record["number"] for result in pool.run("stage", work)] == [0, 1, 2, 9]


def test_workers_that_always_die_end_in_a_sentence(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="stage: a worker process was killed 3 times, last with 1 tasks left"):
        pool.run("stage", [Step("s", stand_in.die, 1).task("dies", {})])


def test_an_error_ends_the_stage_and_what_was_finished_stays(pool: Pool, tmp_path: Path) -> None:
    bad = Step("s", stand_in.refuse, 1).task("bad", {"bad": 1}, {"number": 4})
    done = tasks(stand_in.note, tmp_path, 2)
    pool.run("stage", done)
    with pytest.raises(UserError, match="input 4 is damaged"):
        pool.run("stage", [*done, bad])
    pool.run("stage", done)
    assert calls(tmp_path) == [0, 1]
