"""The database on disk: what it leaves, and what it says when memory or disk do not do."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from data_prep.duplicates.tables import Tables
from mtdeep.errors import UserError

NO_ROOM = 'failed to offload data block of size 32.0 KiB (1 used of 1). It was set by "max_temp_directory_size"'


@pytest.mark.parametrize(
    ("kind", "message", "says"),
    [
        (duckdb.OutOfMemoryException, "could not allocate", "deduplication.memory: 32MB does not do"),
        (duckdb.OutOfMemoryException, NO_ROOM, "FOLDER: failed to offload .*; make room there, or give another folder"),
        (duckdb.IOException, "No space left on device\nmore", "FOLDER: No space left on device; make room there"),
    ],
)
def test_memory_and_disk_are_told_apart(tmp_path: Path, kind: type[duckdb.Error], message: str, says: str) -> None:
    with pytest.raises(UserError, match=says.replace("FOLDER", str(tmp_path))), Tables(tmp_path, "32MB", 1, "SELECT 1"):
        raise kind(message)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full_while_rows_are_joined(tmp_path: Path) -> None:
    """DuckDB's own words, from more rows than memory holds and a place to spill that holds next to nothing."""
    limits = "SET max_temp_directory_size = '1MB'; CREATE TABLE t AS SELECT random() AS x FROM range(3000000)"
    with pytest.raises(UserError, match="make room there"), Tables(tmp_path, "32MB", 1, limits) as tables:
        tables._connection.execute("SELECT x FROM t ORDER BY x").fetchall()
    assert not list(tmp_path.iterdir())
