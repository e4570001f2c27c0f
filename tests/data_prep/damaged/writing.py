"""What all tables of damaged inputs are written with."""

from __future__ import annotations

from pathlib import Path

EN_DE = ("en", "de")
TEN_MB = 10 << 20
LONG = "longer than 1,048,576"
BAD_UTF8 = "invalid UTF-8"
BOMB = b"\0" * (4 << 20)


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
