"""Damaged and hostile zip archives, gettext catalogues and Parquet files, each with its sentence or its counts."""

from __future__ import annotations

import gzip
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import polib
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from writing import BAD_UTF8, BOMB, EN_DE, LONG, TEN_MB, write

from data_prep.readers.moses_zip import MosesZip
from data_prep.readers.parquet import Parquet
from data_prep.readers.po import Gettext
from data_prep.readers.source import Source

LINES = {"x/../../etc/b.en": b"one\ntwo\n", "b.de": b"eins\nzwei\n"}
PO_HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
TEMPLATE = PO_HEAD.replace("UTF-8\\n", "CHARSET\\nPlural-Forms: nplurals=INTEGER; plural=EXPRESSION;\\n")
PLURAL = 'msgid "a file"\nmsgid_plural "many"\nmsgstr[0] "eins"\nmsgstr[1] "viele"\n\n'
MESSAGE = 'msgid "one"\nmsgstr "eins"\n\n'


def zipped(
    contents: Mapping[str, bytes],
    cut: int = 0,
    patch: Callable[[bytearray], None] | None = None,
    change: Callable[[bytes], bytes] = bytes,
    again: str = "",
    **options,
):
    def make(folder: Path) -> Source:
        path = folder / "a.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
            if again:
                with pytest.warns(UserWarning, match="Duplicate name"):
                    archive.writestr(again, b"again")
        content = bytearray(path.read_bytes())
        if patch:
            patch(content)
        return MosesZip(write(path, change(bytes(content[: len(content) - cut]))), EN_DE, **options)

    return make


def encrypted(content: bytearray) -> None:
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = -1
        while (start := content.find(signature, start + 1)) >= 0:
            content[start + flags] |= 1


def damaged_data(content: bytearray) -> None:
    content[content.find(b"b.en") + 12] ^= 0xFF


def po(content: bytes | str, name: str = "a.po", **options: object) -> Callable:
    return lambda folder: Gettext({"de": write(folder / name, content)}, **options)


def mo(change: Callable[[bytearray], bytes | bytearray]) -> Callable:
    def make(folder: Path) -> Source:
        catalogue = polib.POFile()
        catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
        catalogue += [polib.POEntry(msgid=f"message {i}", msgstr=f"Meldung {i}") for i in range(3)]
        catalogue.save_as_mofile(str(folder / "a.mo"))
        content = bytearray((folder / "a.mo").read_bytes())
        return Gettext({"de": write(folder / "a.mo", bytes(change(content)))})

    return make


def mo_with(position: int, number: int) -> Callable:
    def change(content: bytearray) -> bytearray:
        struct.pack_into("<I", content, position, number)
        return content

    return mo(change)


def overlapping(content: bytearray) -> bytes:
    """An MO file of 5,000 messages, each of which is the whole file."""
    count, size = 5000, 28 + 2 * 8 * 5000
    table = struct.pack("<2I", size, 0) * count
    return struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, 28) + table + table


def parquet(change: Callable[[bytes], bytes] = bytes, columns: Mapping[str, str] | None = None, **data: object):
    def make(folder: Path) -> Source:
        path = folder / "a.parquet"
        pq.write_table(pa.table(data or {"en": ["one", "two"], "de": ["eins", None]}), path)
        write(path, change(path.read_bytes()))
        return Parquet(path, columns or {code: code for code in EN_DE})

    return make


def raw_strings(*values: bytes) -> pa.Array:
    """A column of strings that are whatever bytes are given."""
    return pa.array(values, pa.binary()).view(pa.string())


CASES = {
    # Zip archives
    "zip, names that leave the folder": (zipped(LINES), dict(rows=2)),
    "zip, cut": (zipped(LINES, cut=30), r"a\.zip: no whole zip archive .*not a zip file"),
    "zip, damaged": (zipped(LINES, patch=damaged_data), r"a\.zip: no whole zip archive"),
    "zip, encrypted": (zipped(LINES, patch=encrypted), r"a\.zip: a zip archive that is not read .*encrypted.*; unpack"),
    "zip, a language missing": (zipped({"b.en": b"x\n"}), r"a\.zip: no member for language 'de' among b\.en"),
    "zip, a language twice": (zipped({**LINES, "c.de": b""}), r"2 members for language 'de' among .*`members`"),
    "zip, no such member": (zipped(LINES, members={"de": "d.de"}), r"a\.zip: no member 'd\.de' among"),
    "zip, unequal sides": (zipped({"b.en": b"x\n", "b.de": b"y\nz\n"}), r"a\.zip/b\.de:2: no counterpart"),
    "zip, an empty member": (zipped({"b.en": b"", "b.de": b"y\n"}), r"a\.zip/b\.en:1: the file is empty"),
    "zip, a bomb": (zipped({"b.en": BOMB * 4, "b.de": b"y\n"}), r"a\.zip/b\.en: expands to more than"),
    "zip, something before it": (
        zipped(LINES, change=lambda content: b"before" + content), r"bytes stand before its first member, 6 of them"
    ),
    "zip, something behind it": (
        zipped(LINES, change=lambda content: content + b"behind"), r"a\.zip: bytes stand behind it that are not of this"
    ),
    "zip, two behind each other": (
        zipped(LINES, change=lambda content: content + content), r"a\.zip: bytes stand before its first member"
    ),
    "zip, a member twice": (zipped({"a.en": b"x", "b.de": b"y"}, again="a.en"), r"2 members for language 'en'"),
    "zip, a named member twice": (
        zipped({"a.en": b"x", "b.de": b"y"}, again="a.en", members={"en": "a.en"}), r"a\.zip: 2 members 'a\.en' among"
    ),
    "zip, a compressed member": (
        zipped({"a.en.gz": gzip.compress(b"x\n"), "b.de": b"y\n"}), dict(rows=1)
    ),
    "zip, a compressed member that breaks off": (
        zipped({"a.en.gz": gzip.compress(b"x\n")[:-4], "b.de": b"y\n"}, members={"en": "a.en.gz"}),
        r"a\.zip/a\.en\.gz:1: not a whole gzip file",
    ),
    "zip, a tar archive in gzip": (
        lambda folder: MosesZip(write(folder / "a.zip", gzip.compress(b"")), EN_DE), "gzip, no zip archive; unpack"
    ),
    "zip, no zip": (
        lambda folder: MosesZip(write(folder / "a.zip", "text"), EN_DE), "no whole zip archive .*not a zip file"
    ),
    # gettext
    "PO, a string without end": (po(PO_HEAD + 'msgid "one"\nmsgstr "ei'), r"a\.po:5: no string in quotes"),
    "PO, no PO": (po("one\n"), r"a\.po:1: no string in quotes \(one\)"),
    "PO, a word too many": (po(PO_HEAD + MESSAGE + 'msgfoo "x"\n'), r"a\.po:7: no PO or MO file"),
    "PO, a quote inside": (po(PO_HEAD + 'msgid "a"b"\nmsgstr "c"\n'), r"a\.po:4: no PO or MO file"),
    "PO, a file's name": (po("/etc/hostname"), r"a\.po:1: no string in quotes"),
    "PO, latin-1 that says UTF-8": (
        po((PO_HEAD + MESSAGE).replace("eins", "\xe4").encode("latin-1")), r"a\.po: not the encoding 'UTF-8'"
    ),
    "PO, a message twice": (
        po(PO_HEAD + MESSAGE + MESSAGE), dict(rows=1, counts={"message again in one catalogue (de)": 1})
    ),
    "PO, a plural rule that is none": (
        po(PO_HEAD.replace("\\n", "\\nPlural-Forms: nplurals=2; plural=__import__('os');\\n") + PLURAL),
        r"a\.po: the plural rule \"__import__\('os'\)\" cannot be read; correct it",
    ),
    "PO, a plural rule that divides by 0": (
        po(PO_HEAD.replace("\\n", "\\nPlural-Forms: nplurals=2; plural=1/(n-1);\\n") + PLURAL), "plural rule"
    ),
    "PO, a template's plural rule and no plural": (
        po(TEMPLATE + MESSAGE + PLURAL.replace("eins", "").replace("viele", "")), dict(rows=3)
    ),
    "PO, a template's plural rule, fuzzy plurals": (
        po(TEMPLATE + MESSAGE + "#, fuzzy\n" + PLURAL), dict(rows=3, counts={"fuzzy message (de)": 1})
    ),
    "PO, a template's plural rule and plurals": (
        po(TEMPLATE + MESSAGE + PLURAL), r"a\.po: the plural rule 'EXPRESSION' cannot be read; correct it"
    ),
    "PO, old Macintosh line ends": (
        po((PO_HEAD + MESSAGE).replace("\n", "\r")), r"a\.po:1: its lines end with \\r alone; convert it"
    ),
    "PO, empty": (po(""), r"a\.po: no message in the catalogues"),
    "PO, nothing but a header": (po(PO_HEAD), "no message in the catalogues"),
    "PO, English twice": (
        lambda folder: Gettext({"en": write(folder / "en.po", MESSAGE)}), "'en' is the language of the messages"
    ),
    "MO that breaks off": (mo(lambda content: content[:-20]), r"a\.mo: breaks off, it has strings beyond its end"),
    "MO, nothing but its first bytes": (mo(lambda content: content[:4]), r"a\.mo:1: no PO or MO file"),
    "MO, 4 billion strings": (mo_with(8, 0xFFFFFFFF), r"a\.mo:1: no PO or MO file"),
    "MO, a table beyond the end": (mo_with(12, 0xFFFFFF00), r"a\.mo:1: no PO or MO file"),
    "MO, a string beyond the end": (mo_with(28, 0x7FFFFFFF), r"a\.mo: breaks off"),
    "MO, another version": (mo_with(4, 0x00070000), r"a\.mo:1: no PO or MO file .*revision"),
    "MO, a bomb of overlapping strings": (mo(overlapping), "its strings are longer than the file"),
    # Parquet
    "Parquet, null": (parquet(), dict(rows=2)),
    "Parquet, cut": (parquet(lambda content: content[:-9]), r"a\.parquet: cannot be read as Parquet from row 1"),
    "Parquet, no Parquet": (parquet(lambda content: b"text"), r"a\.parquet: cannot be read as Parquet"),
    "Parquet, packed": (parquet(gzip.compress), r"a\.parquet: gzip, no Parquet file; unpack it, and give the files"),
    "Parquet, an office document": (
        parquet(lambda _: b"PK\3\4" + bytes(26) + b"xl/"), "an office document .*, no Parquet file; save its"
    ),
    "Parquet, no such column": (parquet(columns={"en": "t.en"}), r"no column 't\.en' among en, de; name one"),
    "Parquet, numbers": (parquet(en=[1], de=["a"]), "column 'en' holds int64, not text"),
    "Parquet, bytes": (
        parquet(en=raw_strings(b"one", b"\xff", b"a\0"), de=["x", "y", "z"]),
        dict(rows=1,
        rejected={BAD_UTF8: 1, "NUL character": 1}),
    ),
    "Parquet, 10 MB": (parquet(en=["a", "x" * TEN_MB], de=["b", "c"]), dict(rows=1, rejected={LONG: 1})),
    "Parquet, no rows": (parquet(en=pa.array([], pa.string()), de=pa.array([], pa.string())), "no row in it"),
}
WHOLE = {
    "PO": ((PO_HEAD + MESSAGE + MESSAGE.replace("one", "two")).encode(), lambda path: Gettext({"de": path})),
}
