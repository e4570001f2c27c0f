"""Programs that probes run in a process of their own, under the patches of this one."""

from __future__ import annotations

import subprocess
import sys

from mtdeep.fairseq_plugin import compat


def run_patched(*lines: str) -> subprocess.CompletedProcess[str]:
    """Run the lines of a program."""
    names = [patch.name for patch in compat.PATCHES]
    patches = (
        "from mtdeep.fairseq_plugin import compat",
        f"compat.PATCHES = tuple(patch for patch in compat.PATCHES if patch.name in {names})",
    )
    program = "\n".join([*patches, *lines])
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
