"""Environment variables in paths, as a shell has them."""

from __future__ import annotations

import os
import re

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def is_utf8(path: str) -> bool:
    """Return whether a path is text; Python has its other bytes as halves of surrogate pairs, which nothing writes."""
    return path.isascii() or path.encode("utf-8", "replace").decode("utf-8") == path


def expand(path: str) -> str:
    """Return *path* with ``${NAME}`` and ``${NAME:-default}`` taken from the environment.

    Raises ValueError for a variable that is neither set nor has a default, or is no UTF-8.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1]) or match[2]
        if found is None:
            raise ValueError(f"environment variable {match[1]} is not set; set it, or write the path out")
        if not is_utf8(found):
            raise ValueError(f"environment variable {match[1]} is no UTF-8; rename what it stands for")
        return found

    return _VARIABLE.sub(value, path)
