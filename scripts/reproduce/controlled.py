"""What the reproductions by controlled_training.py have in common: groups of controls, the sweep, the page."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from control import Control
from reproduction import ROOT, prepared
from results import Result, Results, finished, read_results, write_results
from sweep import Run, sweep

from mtdeep.errors import UserError

PROGRAM = Path(__file__).with_name("controlled_training.py")
ONE_SEED, SEEDS = (1,), (1, 2, 3)


@dataclass(frozen=True)
class ControlledRun(Run):
    """A training of controlled_training.py."""

    def command(self, data: Path | str, folder: Path) -> list[str]:
        """Return the program with all its arguments."""
        where = [str(data), "--folder", str(folder), "--updates", str(self.updates)]
        return ["python", str(PROGRAM), *where, *self.arguments]


@dataclass(frozen=True)
class Line:
    """A row of a group's table: trainings that differ in their seed alone."""

    name: str
    controls: Sequence[Control]
    updates: int

    @property
    def runs(self) -> list[Run]:
        """The trainings; the name of each is what its control changes."""
        return [_run(control, self.updates) for control in self.controls]

    def results(self, results: Results) -> list[Result]:
        """Return those of its trainings that have one, in the order of the seeds."""
        return [results[run.name] for run in self.runs if run.name in results]


@dataclass(frozen=True)
class Group:
    """A question, and the trainings that answer it."""

    question: str
    lines: Sequence[Line]


Groups = Mapping[str, Group]


def no_summary(groups: Groups, results: Results) -> list[str]:
    """The tables of the groups say it all."""
    return []


@dataclass(frozen=True)
class Page:
    """A reproduction's name, title and first sentences; its groups, the cheapest and most decisive first.

    summary: makes the lines before the tables from the groups and the results of their trainings.
    draw: makes a picture of them at a path.
    """

    name: str
    title: str
    about: str
    groups: Groups
    quick: Groups
    summary: Callable[[Groups, Results], list[str]] = no_summary
    draw: Callable[[Groups, Results, Path], None] | None = None


def line(name: str, control: Control, updates: int = 300, seeds: Sequence[int] = ONE_SEED) -> Line:
    """Return a line of one seed or several."""
    return Line(name, [replace(control, seed=seed) for seed in seeds], updates)


def _run(control: Control, updates: int) -> Run:
    arguments = control.arguments
    name = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in arguments).strip("_")
    layers = round(2 * control.layers * control.batches * control.width / 64)
    return ControlledRun(f"{name or 'plain'}-{updates}", "", "", layers, updates, ("--control", arguments))


def main(usage: str, page: Page) -> None:
    """Parse the options, prepare, train what was asked for, report what there is."""
    from controlled_report import write_report

    names = ", ".join(page.groups)
    parser = ArgumentParser(description=usage, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, metavar="DATA", help="folder of Multi30k, task 1")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / page.name, help="where everything is made")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, of one thread each")
    parser.add_argument("--groups", default=",".join(page.groups), help=f"those of {names} to train now")
    parser.add_argument("--missing", action="store_true", help="train what the page has no result of alone")
    parser.add_argument("--quick", action="store_true", help="a trial of a minute: tiny models, made-up text")
    options = parser.parse_args()
    if options.quick == (options.data is not None):
        parser.error("give either DATA or --quick")
    if options.jobs < 1:
        parser.error(f"--jobs is {options.jobs}, but must be at least 1")
    groups = page.quick if options.quick else page.groups
    chosen = list(groups) if options.quick else options.groups.split(",")
    unknown = [name for name in chosen if name not in groups]
    if unknown:
        parser.error(f"--groups: no {', '.join(unknown)}; there are {names}")
    path = (options.folder if options.quick else ROOT / "docs" / "reproductions") / f"{page.name}.md"
    kept = path.with_suffix(".json")
    every = {run.name: run for group in groups.values() for each in group.lines for run in each.runs}

    def report() -> None:
        results = read_results(kept) | finished(every.values(), options.folder)
        results = {name: results[name] for name in every if name in results}
        write_results(kept, results)
        write_report(path, page, groups, results)

    try:
        store = prepared(options.data, options.folder)
        for name in chosen:
            runs = {run.name: run for each in groups[name].lines for run in each.runs}
            left_out = read_results(kept) if options.missing else {}
            try:
                sweep([run for run in runs.values() if run.name not in left_out], store, options.folder, options.jobs)
            except (SystemExit, KeyboardInterrupt):
                report()
                raise
            report()
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        raise SystemExit(2) from None
    print(path.read_text(encoding="utf-8"))
