"""A disk that is full at any point: told, nothing half there, and the next run goes on.

What the system refuses is a file above a bound (`RLIMIT_FSIZE`), which needs no disk of its own to fill.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from writing import write

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
CONFIG = """\
store: store
vocabulary: {size: 30, character_coverage: 1.0}
corpora:
  - {name: talks, reader: plain_text, clean: false, deduplicate: near, splits: {train: {en: a.en, de: a.de}}}
"""


def limited(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def run(folder: Path, size: int | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mtdeep.cli.main", "prepare", str(folder / "corpora.yaml"), "--workers", "2"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        preexec_fn=None if size is None else partial(limited, size),
    )  # fmt: skip


# Where it ends: reading, the table of repeats, the vocabulary with its 240 KB of rules, pictures of the report.
@pytest.mark.parametrize("size", [0, 1_000, 20_000, 200_000])
def test_no_room(tmp_path: Path, size: int) -> None:
    write(tmp_path / "a.en", "".join(f"the dog sees the man {i}\n" for i in range(9)))
    write(tmp_path / "a.de", "".join(f"der Hund sieht den Mann {i}\n" for i in range(9)))
    write(tmp_path / "corpora.yaml", CONFIG)
    refused = run(tmp_path, size)
    said, *_ = (line for line in refused.stderr.splitlines() if not line.startswith("["))
    assert refused.returncode == 2
    assert said.startswith(f"error: {tmp_path}/") and "File too large" in said and "; make room" in said
    left = {path.name for path in tmp_path.iterdir()} - {"a.en", "a.de", "corpora.yaml"}
    assert left <= {".store.mtdeep-work"}
    done = run(tmp_path, None)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"a.en", "a.de", "corpora.yaml", "store"}
