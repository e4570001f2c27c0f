"""Every command and block of Python that README and docs print is run, as it is printed but for `replaced`.

Pages are run in as many threads as there are cores; those that begin with what another page makes wait for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown import PAGES
from places import BASES, README, prepare
from running import run_page, steps_of


@dataclass(frozen=True)
class Ran:
    """A page that has been run: its folder as it is left, and what went wrong."""

    folder: Path
    problems: list[str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Future[Ran]]]:
    """Return what starts a page, and those that it begins with, once."""
    started: dict[str, Future[Ran]] = {}
    root = tmp_path_factory.mktemp("documents")

    def start(page: str) -> Future[Ran]:
        base = None if page == README else start(BASES.get(page, README))
        if page not in started:
            started[page] = pool.submit(one, page, base)
        return started[page]

    def one(page: str, base: Future[Ran] | None) -> Ran:
        folder = root / page.replace("/", "-") / "project"
        variables = prepare(page, folder, base.result().folder if base else None)
        return Ran(folder, run_page(page, folder, variables))

    with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
        yield start


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(steps_of(page))])
def test_all_that_a_page_prints_runs(page: str, run, request: pytest.FixtureRequest) -> None:
    for item in request.session.items:  # all that are to be run, so that they run side by side
        if item.originalname == request.node.originalname:
            run(item.callspec.params["page"])
    problems = run(page).result().problems
    assert not problems, "\n\n".join(problems)
