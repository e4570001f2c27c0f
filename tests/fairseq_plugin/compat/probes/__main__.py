"""Does what each patch mends; prints {patch: "ok" or the error} as JSON.

Run as `python probes`, with every patch, or `python probes bare`, with the one alone without which fairseq cannot be
imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module

from mtdeep.fairseq_plugin import compat

SUBJECTS = ("starting", "checkpoints", "updates", "layers", "datasets", "processes")


def outcome(probe: Callable[[], None]) -> str:
    try:
        probe()
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    return "ok"


bare = sys.argv[1:] == ["bare"]
if bare:
    compat.PATCHES = tuple(patch for patch in compat.PATCHES if patch.name == "dataclass_defaults")
    os.environ.pop("PYTHONWARNINGS", None)  # what a patch of a process above has put there

probes = [probe for subject in SUBJECTS for probe in import_module(subject).PROBES]
print(json.dumps({probe.__name__: outcome(probe) for probe in probes}), flush=True)
if bare:
    os._exit(0)  # a thread that nothing mends may abort Python's own end
