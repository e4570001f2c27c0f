"""What is asked of every input file before anything is read."""

from __future__ import annotations

from pathlib import Path


def objection_to(path: Path) -> str | None:
    """Return why a path is no regular file, which can be read twice, with a remedy; None where it is one."""
    try:
        if path.is_file():
            return None
        if path.is_dir():
            return f"{path} is a folder; name a file in it, or {path / '*'} for all of them"
    except OSError:  # a name that is too long
        pass
    return f"no file {path}; correct the path"
