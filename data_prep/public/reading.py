"""What is read of a public corpus, and with which of our readers."""

from __future__ import annotations

from collections.abc import Sequence

from data_prep.public.index import Entry
from data_prep.public.record import Record
from data_prep.readers.moses_zip import MosesZip
from data_prep.readers.plain_text import PlainText
from data_prep.readers.source import Source
from data_prep.readers.tmx import Tmx
from data_prep.readers.tsv import Tsv
from data_prep.readers.wmt_sgm import WmtSgm
from data_prep.readers.wmt_xml import WmtXml
from mtdeep.errors import UserError

TEXT, SGM, TSV, TMX, WMT = "txt", "sgm", "tsv", "tmx", "wmt21xml"
_OTHERS = {
    "csvwithheader": "CSV",
    "xlsx": "XLSX",
    "hfds": "a Hugging Face data set (its Parquet files can be read with reader parquet)",
    "opus_xces": "XCES",
}


def format_of(entry: Entry) -> str:
    """Return the format of an entry's texts. Raises UserError for one that no reader here reads."""
    said = set(entry.kind.split("."))
    if others := [name for key, name in _OTHERS.items() if key in said]:
        raise UserError(f"{entry.id} is {others[0]}, which is not read; convert its files, or leave it out")
    languages = len(entry.id.split("-")) - 3
    texts = entry.members if entry.archive else entry.urls
    if (one_each := said & {TEXT, SGM}) and len(texts) == languages:
        if len(set(texts)) < languages:  # seen: every id of flores101 in mtdata 0.5.1
            raise UserError(f"{entry.id} has one file for both languages in mtdata's index; leave it out")
        return one_each.pop()
    if TSV in said and len(entry.columns) == languages:
        return TSV
    if found := said & {TMX, WMT}:
        return found.pop()
    raise UserError(f"{entry.id} is {len(texts)} files of {entry.kind!r}, which is not read; leave it out")


def is_read_in_zip(entry: Entry) -> bool:
    """Tell whether a zip's members are read where they are."""
    return entry.archive and format_of(entry) == TEXT


def sources_of(record: Record, codes: Sequence[str]) -> list[Source]:
    """Return what reads a record's files; *codes* are those of the entry's languages, in its order."""
    paths, languages = record.paths, tuple(codes)
    if record.members:
        (archive,) = paths
        return [MosesZip(archive, languages, dict(zip(languages, record.members, strict=True)))]
    known = format_of(record.entry)
    if known in (TEXT, SGM):
        files = dict(zip(languages, paths, strict=True))
        return [PlainText(files) if known == TEXT else WmtSgm(files)]
    if known == TSV:
        columns = dict(zip(languages, (column + 1 for column in record.entry.columns), strict=True))
        return [Tsv(path, columns) for path in paths]
    reader = Tmx if known == TMX else WmtXml
    return [reader(path, languages) for path in paths]
