"""Records on disk: JSON that is written whole, and is read again where it is of the same model, settings and data."""

from __future__ import annotations

import json
import math
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xxhash

from mtdeep import __version__
from mtdeep.durable import write_atomically

Record = dict[str, Any]
"""What is known of one model, as plain data."""


def versions() -> dict[str, str]:
    """Return the versions of what a record is computed with."""
    return {"mtdeep": __version__, **{package: version(package) for package in ("torch", "numpy")}}


def key_of(revision: int, *facts: object) -> str:
    """Return a digest of all that a record depends on; *revision* goes up when its fields or rules change."""
    return xxhash.xxh3_128_hexdigest(json.dumps([revision, __version__, version("torch"), *facts]).encode())


def read_record(path: Path, key: str) -> Record | None:
    """Return the record that was measured before, if it is of the same model, settings and data."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("key") == key else None


def plain(value: Any) -> Any:
    """Return data of which JSON can hold everything: numbers that are not finite become None."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, value: object) -> None:
    """Write plain data, whole or not at all."""
    text = json.dumps(value, indent=1, allow_nan=False) + "\n"
    write_atomically(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def file_name(name: str) -> str:
    """Return the name as a file's, with a digest where that is not the name itself."""
    safe = re.sub(r"[^\w.-]+", "_", name)
    return safe if safe == name.replace(" ", "_") else f"{safe}_{xxhash.xxh3_64_hexdigest(name.encode())}"
