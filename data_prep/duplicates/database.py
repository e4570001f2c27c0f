"""A database of rows on disk, within a bound of memory, that goes with the block that needs it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from mtdeep.errors import UserError


@contextmanager
def database(folder: Path, memory: str, threads: int, tables: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database with *tables*, statements of SQL, in *folder*, which must exist.

    At most about *memory* ("4GB") of it is in memory. Raises UserError where that does not do, and for a full disk.
    """
    file, spilled = folder / "rows.duckdb", folder / "spilled"
    try:
        with duckdb.connect(str(file)) as connection:
            connection.execute("SET memory_limit = ?", [memory])
            connection.execute("SET temp_directory = ?", [str(spilled)])
            connection.execute(f"SET threads = {threads:d}")
            connection.execute(tables)
            yield connection
    except duckdb.OutOfMemoryException as error:
        raise UserError(f"deduplication.memory: {memory} does not do for the rows that there are; give more") from error
    except duckdb.IOException as error:
        what = str(error).splitlines()[0]
        raise UserError(f"{folder}: {what}; make room there, or give another folder as `work`") from error
    finally:
        file.unlink(missing_ok=True)
        shutil.rmtree(spilled, ignore_errors=True)
