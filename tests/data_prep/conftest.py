"""What tests of readers and of the whole command share: the folder of damaged inputs, and small bombs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from data_prep.readers import opening

sys.path.insert(0, str(Path(__file__).parent / "damaged"))


@pytest.fixture
def small_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may expand to 1 MiB in place of 64 before it must be 1,000 times its size to be a bomb."""
    monkeypatch.setattr(opening, "_ALWAYS_ALLOWED", 1 << 20)
