"""Environment variables in paths, as a shell has them."""

from __future__ import annotations

import os
import re

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def expand(path: str) -> str:
    """Return *path* with ``${NAME}`` and ``${NAME:-default}`` taken from the environment.

    Raises ValueError for a variable that is neither set nor has a default.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1]) or match[2]
        if found is None:
            raise ValueError(f"environment variable {match[1]} is not set; set it, or write the path out")
        return found

    return _VARIABLE.sub(value, path)
