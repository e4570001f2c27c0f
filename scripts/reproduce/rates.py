"""Which rate a DeepNorm encoder bears under Adam, and why: controls of one factor.

Usage: python scripts/reproduce/rates.py DATA [--folder FOLDER] [--jobs N] [--controls NAME,NAME,...]
       python scripts/reproduce/rates.py --quick

DATA holds train.en.gz, val.en, test_2016_flickr.en and the same for de and fr (github.com/multi30k/dataset, task 1).
A second run continues where the first one stopped; with --controls it trains those alone, and reports what there is.
The report goes to docs/reproductions/rates.md.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controlled_training import Control
from rate_controls import CONTROLS, QUICK, Group
from rates_report import write_report
from reproduction import ROOT, prepared
from sweep import Run, sweep

from mtdeep.errors import UserError

PROGRAM = Path(__file__).with_name("controlled_training.py")


@dataclass(frozen=True)
class ControlledRun(Run):
    """A training of controlled_training.py."""

    def command(self, data: Path | str, folder: Path) -> list[str]:
        """Return the program with all its arguments."""
        return [
            "python",
            str(PROGRAM),
            str(data),
            "--folder",
            str(folder),
            "--updates",
            str(self.updates),
            *self.arguments,
        ]


def run_of(control: Control, updates: int) -> Run:
    """Return the training of a control; its name is what the control changes."""
    arguments = control.arguments
    name = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in arguments).strip("_")
    layers = round(2 * control.layers * control.batches * (control.width / 64))
    return ControlledRun(f"{name or 'plain'}-{updates}", "", "", layers, updates, ("--control", arguments))


def main() -> None:
    """Parse the options, prepare, train, report."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, metavar="DATA", help="folder of Multi30k, task 1")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "rates", help="where everything is made")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, of one thread each")
    parser.add_argument("--controls", default=",".join(CONTROLS), help=f"those of {', '.join(CONTROLS)} to train now")
    parser.add_argument("--quick", action="store_true", help="a trial of a minute: tiny models, made-up text")
    options = parser.parse_args()
    if options.quick == (options.data is not None):
        parser.error("give either DATA or --quick")
    groups = QUICK if options.quick else CONTROLS
    chosen = list(QUICK) if options.quick else options.controls.split(",")
    unknown = [name for name in chosen if name not in groups]
    if unknown:
        parser.error(f"--controls: no {', '.join(unknown)}; there are {', '.join(groups)}")
    try:
        store = prepared(options.data, options.folder)
        for name in chosen:
            sweep(_runs(groups[name]), store, options.folder, options.jobs)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        raise SystemExit(2) from None
    path = (options.folder if options.quick else ROOT / "docs" / "reproductions") / "rates.md"
    write_report(path, groups, options.folder, run_of)
    print(path.read_text(encoding="utf-8"))


def _runs(group: Group) -> Sequence[Run]:
    """Return the trainings of a group, each once."""
    runs = [run_of(control, line.updates) for line in group.lines for control in line.controls]
    return list({run.name: run for run in runs}.values())


if __name__ == "__main__":
    main()
