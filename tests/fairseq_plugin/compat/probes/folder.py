"""Where probes write their files."""

from __future__ import annotations

import tempfile
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp())
