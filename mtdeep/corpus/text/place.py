"""The folder that text is exported to: it has nothing but one export, whole or begun."""

from __future__ import annotations

from pathlib import Path

from mtdeep.corpus.text.files import partial_of
from mtdeep.corpus.text.record import RECORD, Record, read_record
from mtdeep.errors import UserError, shortened


def place_for(out: Path, wanted: Record, *, overwrite: bool) -> Record:
    """Return the record to go on with in a folder, which is made if need be.

    *overwrite*: what another export has written there is removed. Raises UserError for a folder with anything else, and
    without *overwrite*, with another export.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; give another folder for the text")
    out.mkdir(exist_ok=True)
    known = read_record(out)
    _check_nothing_else(out, known)
    if known is not None and (known.store, known.chosen) != (wanted.store, wanted.chosen):
        if not overwrite:
            what = "another store" if known.store != wanted.store else "the same store, chosen otherwise"
            raise UserError(f"{out}: holds the text of {what}; give another folder, or --overwrite to replace it")
        for name in _files(known):
            (out / name).unlink(missing_ok=True)
        known = None
    record = known or wanted
    record.write(out)
    return record


def _check_nothing_else(out: Path, known: Record | None) -> None:
    """Remove what an export that was killed has left half-written; raise UserError for what none has written."""
    ours = {RECORD, *(_files(known) if known else ())}
    others = []
    for path in out.iterdir():
        whole = path.name.removeprefix(".").removesuffix(".partial")
        if path == partial_of(out / whole) and (known or whole == RECORD):
            path.unlink()
        elif path.name not in ours:
            others.append(path.name)
    if others:
        names = shortened(sorted(others))
        raise UserError(f"{out}: has {names}, which no export wrote; give another folder for the text")


def _files(known: Record) -> set[str]:
    return {name for table in known.tables.values() for name in table.files}
