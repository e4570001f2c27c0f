"""Tables on disk, in bounded memory, for what compares all rows with all others."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb


class Tables:
    """A database of DuckDB in a folder, for as long as it is needed. Use as a context manager."""

    def __init__(self, folder: Path, memory: str, threads: int) -> None:
        """Keep tables in *folder*, which must exist, and at most about *memory* ("4GB") of them in memory."""
        self._files = folder / "tables.duckdb", folder / "spilled"
        self._connection = duckdb.connect(str(self._files[0]))
        self._connection.execute("SET memory_limit = ?", [memory])
        self._connection.execute("SET temp_directory = ?", [str(self._files[1])])
        self._connection.execute(f"SET threads = {threads:d}")

    def close(self) -> None:
        """Close the tables and remove them."""
        self._connection.close()
        self._files[0].unlink(missing_ok=True)
        shutil.rmtree(self._files[1], ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
