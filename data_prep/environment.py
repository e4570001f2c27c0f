"""Home folders and environment variables in paths, as a shell has them."""

from __future__ import annotations

import os
import re

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def is_utf8(path: str) -> bool:
    """Return whether a path is text; Python has its other bytes as halves of surrogate pairs, which nothing writes."""
    return path.isascii() or path.encode("utf-8", "replace").decode("utf-8") == path


def expand(path: str) -> str:
    """Return *path* with `~` and `~USER` at its start as home folders, `${NAME}`, `${NAME:-default}` as variables.

    Raises ValueError for a variable that is neither set nor has a default, or is no UTF-8, and for a user who has no
    home folder.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1]) or match[2]
        if found is None:
            raise ValueError(f"environment variable {match[1]} is not set; set it, or write the path out")
        if not is_utf8(found):
            raise ValueError(f"environment variable {match[1]} is no UTF-8; rename what it stands for")
        return found

    return _VARIABLE.sub(value, _at_home(path))


def _at_home(path: str) -> str:
    if not path.startswith("~"):
        return path
    found = os.path.expanduser(path)
    user = path.partition("/")[0]
    if found.startswith("~"):
        raise ValueError(f"{user} is no user's home folder; write the path out, or ./{user} for what has that name")
    if not is_utf8(found):
        raise ValueError(f"the path of {user} is no UTF-8; write another path out")
    return found
