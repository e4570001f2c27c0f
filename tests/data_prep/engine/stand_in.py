"""What workers of the engine's tests do; a module of its own, since a spawned worker must be able to import it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from mtdeep.errors import UserError


def note(folder: Path, number: int, calls: Path) -> dict[str, Any]:
    """Write the number, and say in *calls* that it was done."""
    with calls.open("a") as file:
        file.write(f"{number}\n")
    (folder / "number.txt").write_text(str(number))
    return {"number": number}


def die_once(folder: Path, number: int, calls: Path) -> dict[str, Any]:
    """Be killed, as by the kernel that is out of memory, unless the same was tried before."""
    tried = calls.with_name(f"tried-{number}")
    if not tried.exists():
        tried.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return note(folder, number, calls)


def die(folder: Path) -> dict[str, Any]:
    """Be killed every time."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def refuse(folder: Path, number: int) -> dict[str, Any]:
    """Leave a half-written file and raise what a user can mend."""
    (folder / "half.txt").write_text("half")
    raise UserError(f"input {number} is damaged")
