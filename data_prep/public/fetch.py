"""From ids to files that are here: what lacks is looked up and downloaded, what was there is verified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from data_prep.public.download import BrokenOff, download
from data_prep.public.index import Entry, Unknown, look_up
from data_prep.public.members import is_zip, take_out, zip_members
from data_prep.public.reading import format_of, is_read_in_zip
from data_prep.public.record import (
    VARIABLE,
    Record,
    folder,
    place_of,
    read_record,
    record_of,
    record_path,
    write_record,
)
from mtdeep.corpus.store import file_digest
from mtdeep.durable import one_writer, refusals_told
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport


def fetch(identifiers: Mapping[str, str], progress: ProgressReport) -> None:
    """Make sure that the files of every id are here; *identifiers* says of each where the configuration has it.

    A record whose files are there is taken as it is, without a network. Raises UserError, a line with the place for
    each problem: ids that mtdata does not know and formats that are not read, before anything is downloaded; what
    cannot be downloaded, when the rest is here; files that are no longer those that were; a disk that is full.
    """
    with refusals_told(folder()):
        _fetch(identifiers, progress)


def _fetch(identifiers: Mapping[str, str], progress: ProgressReport) -> None:
    records = {identifier: read_record(identifier) for identifier in identifiers}
    entries = {identifier: record.entry for identifier, record in records.items() if record}
    if new := [identifier for identifier in identifiers if identifier not in entries]:
        progress.stage("look the corpora up in mtdata's index")
        entries |= _found(dict(zip(new, look_up(new), strict=True)), identifiers)
    problems = []
    for identifier, place in identifiers.items():
        try:
            _fetch_one(identifier, entries[identifier], records[identifier], progress)
        except UserError as error:
            problems.append(f"{place}: {error}")
            if isinstance(error, BrokenOff):
                break  # most likely the network: the others would wait as long, and for nothing
    if problems:
        raise UserError("\n".join(problems))


def check_digests(identifiers: Iterable[str], digests: Mapping[Path, str]) -> None:
    """Compare files with what they were when they came. Raises UserError for one that has another content."""
    for identifier in identifiers:
        record = record_of(identifier)
        for file, path in zip(record.files, record.paths, strict=True):
            if digests[path] != file.xxh3_128:
                raise _changed(path)


def _changed(path: Path) -> UserError:
    return UserError(f"{path}: not the file that was downloaded; remove it, and it is downloaded again")


def _found(answers: Mapping[str, Entry | Unknown], places: Mapping[str, str]) -> dict[str, Entry]:
    problems: list[str] = []
    found: dict[str, Entry] = {}
    for identifier, answer in answers.items():
        if isinstance(answer, Unknown):
            hint = f"did you mean {', '.join(answer.near)}?" if answer.near else "`mtdata list` shows all"
            problems.append(f"{places[identifier]}: mtdata knows no corpus {identifier!r}; {hint}")
            continue
        found[identifier] = answer
        try:
            format_of(answer)
        except UserError as error:
            problems.append(f"{places[identifier]}: {error}")
    if problems:
        raise UserError("\n".join(problems))
    return found


def _fetch_one(identifier: str, entry: Entry, record: Record | None, progress: ProgressReport) -> None:
    if record and all(path.exists() for path in record.paths):
        for file, path in zip(record.files, record.paths, strict=True):
            if path.stat().st_size != file.bytes:
                raise _changed(path)
        return
    originals = [_original(url, entry.name, progress) for url in entry.urls]
    paths, members = _texts(entry, originals)
    progress.stage(f"digest of {identifier}")
    if not record:
        write_record(identifier, entry, paths, members)
        return
    for file, path in zip(record.files, paths, strict=True):
        if file_digest(path) != file.xxh3_128:
            what = "the server has another file than on the first download"
            raise UserError(f"{path}: {what}; remove {record_path(identifier)} to take what it has now")


def _original(url: str, name: str, progress: ProgressReport) -> Path:
    path = place_of(url, name)
    try:
        path.parent.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder()}: cannot be made ({error.strerror}); name another folder in {VARIABLE}") from error
    with one_writer(path.parent):
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            download(url, path, progress)
    return path


def _texts(entry: Entry, originals: list[Path]) -> tuple[list[Path], list[str]]:
    """Return the files to read, and the members to read in the only one where that is a zip of texts."""
    if not entry.archive:
        return originals, []
    (archive,) = originals
    if is_read_in_zip(entry) and is_zip(archive):
        return originals, zip_members(archive, entry.members)
    with one_writer(archive.parent):
        return take_out(archive, entry.members, archive.parent / "members"), []
