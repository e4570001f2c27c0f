"""Tables on disk, in bounded memory, for what compares all rows with all others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from mtdeep.errors import UserError


class Tables:
    """A database of DuckDB in a folder, for as long as it is needed. Use as a context manager.

    Leaving it raises UserError in place of DuckDB's error when memory or disk do not do.
    """

    def __init__(self, folder: Path, memory: str, threads: int, tables: str) -> None:
        """Make *tables* (SQL) in *folder*, which must exist; at most about *memory* ("4GB") of them is in memory."""
        self._database = _database(folder, memory, threads, tables)

    def __enter__(self) -> Self:
        self._connection = self._database.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the tables and remove them."""
        self._database.__exit__(kind, error, trace)


@contextmanager
def _database(folder: Path, memory: str, threads: int, tables: str) -> Iterator[duckdb.DuckDBPyConnection]:
    file, spilled = folder / "tables.duckdb", folder / "spilled"
    try:
        with duckdb.connect(str(file)) as connection:
            connection.execute("SET memory_limit = ?", [memory])
            connection.execute("SET temp_directory = ?", [str(spilled)])
            connection.execute(f"SET threads = {threads:d}")
            connection.execute(tables)
            yield connection
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        what = str(error).splitlines()[0]
        # A disk with no room to spill to is told by DuckDB as memory that ran out.
        if isinstance(error, duckdb.OutOfMemoryException) and "max_temp_directory_size" not in str(error):
            what = f"deduplication.memory: {memory} does not do for the rows that there are; give more"
            raise UserError(what) from error
        raise UserError(f"{folder}: {what}; make room there, or give another folder as `work`") from error
    finally:
        for left in (file, file.with_name(f"{file.name}.wal")):
            left.unlink(missing_ok=True)
        shutil.rmtree(spilled, ignore_errors=True)
