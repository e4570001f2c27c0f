"""What a folder of exported text says of itself, `export.json`: of which store, chosen how, and what was written.

    {"format": "mtdeep-text", "version": 1, "store": digest, "chosen": {...},
     "tables": {name: {"rows", "sentences": {code: n}, "text": {code: [raw|decoded|pieces, ...]}, "unknown": {code: n},
                       "mended", "files": {name: bytes}}}}

A table is entered once its files are whole, and before they get their names: no file has a name that is not entered
here, whatever stops an export. It goes on behind the last table whose files are there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mtdeep.durable import write_atomically
from mtdeep.errors import UserError

RECORD = "export.json"
_FORMAT, _VERSION = "mtdeep-text", 1


@dataclass(frozen=True)
class Table:
    """What was written of a split, or of one direction of it.

    unknown: sentences that are gaps here since they have unknown tokens. mended: texts with blanks for line ends.
    """

    rows: int = 0
    sentences: Mapping[str, int] = field(default_factory=dict)
    text: Mapping[str, list[str]] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)
    mended: int = 0
    files: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """What was exported from a store; *chosen* are the options, as plain data."""

    store: str
    chosen: Mapping[str, Any]
    tables: dict[str, Table]

    def write(self, folder: Path) -> None:
        """Write it, in one step."""
        document = {"format": _FORMAT, "version": _VERSION, **asdict(self)}
        text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        write_atomically(folder / RECORD, lambda path: path.write_text(text, encoding="utf-8"))

    def whole(self, folder: Path, name: str) -> bool:
        """Tell whether a table's files are there, each of its size."""
        table = self.tables.get(name)
        return table is not None and all(
            (folder / file).is_file() and (folder / file).stat().st_size == size for file, size in table.files.items()
        )


def read_record(folder: Path) -> Record | None:
    """Return what a folder says of itself, None where it has no such file; raises UserError for a damaged one."""
    path = folder / RECORD
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if (document.pop("format"), document.pop("version")) != (_FORMAT, _VERSION):
            raise ValueError("of another format")
        tables = {name: Table(**table) for name, table in document.pop("tables").items()}
        if strange := [name for table in tables.values() for name in table.files if Path(name).name != name]:
            raise ValueError(f"it names {strange[0]!r}")
        return Record(**document, tables=tables)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path}: no record of an export ({error}); remove the folder, or give another") from error
