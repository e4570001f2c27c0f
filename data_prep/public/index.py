"""mtdata's index: what it knows of a corpus, by its id.

The index is asked in a process of its own, from an empty folder, because importing it changes a process for good:
mtdata imports every `mtdata*.py` of the folder that it runs in, takes the root logger, and holds 291,471 entries in
490 MB. The first use writes the index (15 s) into the folder that `MTDATA` names, `~/.mtdata` without it.
"""

from __future__ import annotations

import difflib
import logging
import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from data_prep.engine.processes import processes
from mtdeep.errors import UserError

_NEAR = 3  # ids shown for one that is not known


@dataclass(frozen=True)
class Entry:
    """What mtdata knows of a corpus.

    kind: the format of its texts as mtdata calls it (`txt`, `tsv.gz`, `tmx`). archive: whether they are members of an
    archive, found by the patterns *members*. columns: those of TSV, from 0. citations: BibTeX. version: mtdata's.
    """

    id: str
    urls: tuple[str, ...]
    name: str
    kind: str
    archive: bool
    members: tuple[str, ...]
    columns: tuple[int, ...]
    citations: tuple[str, ...]
    version: str


@dataclass(frozen=True)
class Unknown:
    """An id that mtdata does not have, and those most like it."""

    id: str
    near: tuple[str, ...]


def look_up(identifiers: Sequence[str]) -> list[Entry | Unknown]:
    """Return what mtdata knows of each id. Raises UserError where it is not installed or its index is damaged."""
    if find_spec("mtdata") is None:
        raise UserError('reader mtdata needs the package mtdata; install it with pip install "mtdeep[mtdata]"')
    with TemporaryDirectory() as empty, processes(1) as executor:
        return executor.submit(_entries, identifiers, empty).result()


def _entries(identifiers: Sequence[str], empty: str) -> list[Entry | Unknown]:
    """Do the looking up, in a process that ends afterwards."""
    if folder := os.environ.get("MTDATA"):
        os.environ["MTDATA"] = str(Path(folder).expanduser().absolute())
    os.chdir(empty)
    logging.getLogger().addHandler(logging.NullHandler())  # else mtdata's own, and its level, become everybody's
    import mtdata

    try:
        mtdata.cache_dir.mkdir(parents=True, exist_ok=True)  # it makes no parents itself
        from mtdata.index import INDEX
    except (EOFError, pickle.UnpicklingError) as error:  # it is written in place, so a kill leaves half of it
        raise UserError(f"{mtdata.cached_index_file}: mtdata's index is damaged ({error}); remove it") from None
    except OSError as error:
        place = mtdata.cache_dir
        raise UserError(f"{place}: no place for mtdata's index ({error}); name a folder in MTDATA") from None
    return [_entry(INDEX, identifier, mtdata.__version__) for identifier in identifiers]


def _entry(index: Any, identifier: str, version: str) -> Entry | Unknown:
    from mtdata.entry import DatasetId

    try:
        found = index[DatasetId.parse(identifier)]
    except Exception:  # mtdata raises Exception itself, and whatever its parsers and assertions do
        return Unknown(identifier, _near(index, identifier))
    urls = (found.url,) if isinstance(found.url, str) else tuple(found.url)
    return Entry(
        id=str(found.did),
        urls=urls,
        name=found.filename,
        kind=found.in_ext or found.ext,
        archive=found.is_archive,
        members=tuple(found.in_paths or ()),
        columns=tuple(found.cols or range(len(found.did.langs))),
        citations=tuple(index.ref_db.get_bibtex(key) for key in found.cite or ()),
        version=version,
    )


def _near(index: Any, identifier: str) -> tuple[str, ...]:
    """Return the ids most like one, of the same languages or else of the same name."""
    from mtdata.iso.bcp47 import bcp47

    _, name, _, *spellings = identifier.split("-")
    languages = {bcp47.try_parse(spelling) for spelling in spellings}
    known = [str(did) for did in index.entries if set(did.langs) == languages]
    known = known or [str(did) for did in index.entries if did.name == name.lower()]
    spelt = {one.lower(): one for one in known}
    return tuple(spelt[one] for one in difflib.get_close_matches(identifier.lower(), spelt, n=_NEAR, cutoff=0.5))
