"""`mtdeep`, which says on standard error that a stage begins, however short it is: tests kill it there."""

from __future__ import annotations

import sys

from mtdeep.cli.main import run
from mtdeep.progress import ProgressReport

_begin = ProgressReport.stage


def _tell(report: ProgressReport, what: str, total: int | None = None) -> None:
    print(f"[stage] {what}", file=sys.stderr, flush=True)
    _begin(report, what, total)


if __name__ != "__mp_main__":  # nor in the workers that it starts
    ProgressReport.stage = _tell  # type: ignore[method-assign]
if __name__ == "__main__":
    run()
