"""The folder of downloads: what was found, and the files, each with its size and digest.

```
ids/Statmt-news_commentary-16-deu-eng.json          the record: mtdata's entry, and the files that are read
files/HOST/DIGEST OF THE URL/NAME                   what was downloaded, once for all the corpora in it
files/HOST/DIGEST OF THE URL/members/DIGEST-NAME    members of an archive that no reader opens where they are
```

A record is written when all its files are there; with it neither mtdata nor a network is needed again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

import xxhash
from pydantic import TypeAdapter

from data_prep.public.index import Entry
from mtdeep.corpus.store import file_digest
from mtdeep.durable import sync_directory, write_atomically
from mtdeep.errors import UserError

VARIABLE = "MTDEEP_DOWNLOADS"


@dataclass(frozen=True)
class StoredFile:
    """A file of the folder; *path* is relative to it."""

    path: str
    bytes: int
    xxh3_128: str


@dataclass(frozen=True)
class Record:
    """An entry of mtdata's that is here: its files, and the members of a zip that its reader opens itself."""

    entry: Entry
    files: tuple[StoredFile, ...]
    members: tuple[str, ...]
    version: Literal[1] = 1

    @property
    def paths(self) -> list[Path]:
        """Return where the files are."""
        return [folder() / file.path for file in self.files]


_RECORDS = TypeAdapter(Record)


def folder() -> Path:
    """Return the folder of downloads: what MTDEEP_DOWNLOADS names, or mtdeep/downloads in the user's cache."""
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "mtdeep" / "downloads"


def place_of(url: str, name: str) -> Path:
    """Return where the file of a URL stands; it is called as there, or *name* where the URL ends with none."""
    parts = urlsplit(url)
    last = parts.path.rpartition("/")[2]
    own = last if last.strip(".") else PurePosixPath(name).name
    return folder() / "files" / (parts.hostname or "-") / xxhash.xxh3_64_hexdigest(url.encode()) / own


def read_record(identifier: str) -> Record | None:
    """Return the record of an id as the configuration spells it; None where there is none.

    Raises UserError for a record that is damaged or of another version.
    """
    path = record_path(identifier)
    try:
        return _RECORDS.validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise UserError(f"{path}: damaged, or of another version; remove it, and it is made again") from error


def record_of(identifier: str) -> Record:
    """Return the record of an id that was fetched."""
    record = read_record(identifier)
    assert record is not None, f"{identifier} was fetched"
    return record


def write_record(identifier: str, entry: Entry, paths: Sequence[Path], members: Sequence[str]) -> Record:
    """Write and return the record of files that are there, whole."""
    files = tuple(
        StoredFile(str(path.relative_to(folder())), path.stat().st_size, file_digest(path)) for path in paths
    )
    record = Record(entry, files, tuple(members))
    content = _RECORDS.dump_json(record, indent=1)
    path = record_path(identifier)
    path.parent.mkdir(parents=True, exist_ok=True)
    for file in paths:
        sync_directory(file.parent)
    write_atomically(path, lambda partial: partial.write_bytes(content))
    sync_directory(path.parent)
    return record


def record_path(identifier: str) -> Path:
    """Return where the record of an id stands."""
    return folder() / "ids" / f"{identifier}.json"
