"""The scripts' modules can be imported as they import one another: by the folder of the script."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

REPRODUCE = Path(__file__).parents[2] / "scripts" / "reproduce"
sys.path.insert(0, str(REPRODUCE))


@pytest.fixture(scope="session")
def reproduce() -> Path:
    """Folder of the reproductions' scripts."""
    return REPRODUCE
