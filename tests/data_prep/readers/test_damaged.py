"""Damaged and hostile inputs, made by code: each with its sentence, or with what is read and what is rejected."""

from __future__ import annotations

import gzip
import json
import lzma
import random
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polib
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from data_prep.readers.jsonl import Jsonl
from data_prep.readers.moses_zip import MosesZip
from data_prep.readers.parquet import Parquet
from data_prep.readers.plain_text import PlainText
from data_prep.readers.po import Gettext
from data_prep.readers.source import Source
from data_prep.readers.tmx import Tmx
from data_prep.readers.tsv import Tsv
from data_prep.readers.wmt_xml import WmtXml
from data_prep.readers.xliff import Xliff
from mtdeep.errors import UserError

EN_DE = ("en", "de")
TEN_MB = 10 << 20
LONG = "longer than 1,048,576"
BAD_XML = "XML that is not well-formed"
BAD_UTF8 = "invalid UTF-8"
BILLION_LAUGHS = (
    "<!DOCTYPE x [<!ENTITY l0 'lol'>"
    + "".join(f"<!ENTITY l{i} '{f'&l{i - 1};' * 10}'>" for i in range(1, 10))
    + "]>"
)


@dataclass(frozen=True)
class Case:
    """A source in a folder, and the sentence it ends with, or how many rows it has and why others are rejected."""

    make: Callable[[Path], Source]
    sentence: str = ""
    rows: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def plain(en: bytes | str, de: bytes | str = "eins\nzwei\n", suffix: str = "", **more: bytes | str) -> Callable:
    def make(folder: Path) -> Source:
        contents = {"en": en, "de": de, **more}
        return PlainText({code: write(folder / f"a.{code}{suffix}", content) for code, content in contents.items()})

    return make


def alone(content: bytes) -> Callable:
    return lambda folder: PlainText({"en": write(folder / "a", content)})


def tsv(content: bytes | str, **options: object) -> Callable:
    return lambda folder: Tsv(write(folder / "a.tsv", content), **({"columns": {"en": 1, "de": 2}} | options))


def jsonl(content: bytes | str, **options: object) -> Callable:
    keys = {code: f"translation.{code}" for code in EN_DE}
    return lambda folder: Jsonl(write(folder / "a.jsonl", content), **({"keys": keys} | options))


def tu(en: str = "one", de: str = "eins", more: str = "") -> str:
    return f'<tu><tuv xml:lang="en"><seg>{en}</seg></tuv><tuv xml:lang="de"><seg>{de}</seg></tuv>{more}</tu>\n'


def tmx(body: bytes | str, before: str = "", after: str = "</body></tmx>\n", suffix: str = "") -> Callable:
    whole = body if isinstance(body, bytes) else f'{before}<tmx version="1.4"><body>\n{body}{after}'
    return lambda folder: Tmx(write(folder / f"a.tmx{suffix}", whole), EN_DE)


def xliff(units: str, attributes: str = 'source-language="en" target-language="de"', end: str = "</file></xliff>"):
    whole = f'<xliff version="1.2"><file {attributes}>{units}{end}'
    return lambda folder: Xliff(write(folder / "a.xlf", whole), *EN_DE)


def wmt(documents: str) -> Callable:
    return lambda folder: WmtXml(write(folder / "a.xml", f"<dataset>{documents}</dataset>"), EN_DE)


def seg(*names: str) -> str:
    return "<p>" + "".join(f'<seg id="{name}">text {name}</seg>' for name in names) + "</p>"


def zipped(contents: Mapping[str, bytes], cut: int = 0, patch: Callable[[bytearray], None] | None = None, **options):
    def make(folder: Path) -> Source:
        path = folder / "a.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        content = bytearray(path.read_bytes())
        if patch:
            patch(content)
        return MosesZip(write(path, bytes(content[: len(content) - cut])), EN_DE, **options)

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


GZ = gzip.compress(b"one\ntwo\n" * 5000, mtime=0)
ZST = zstandard.ZstdCompressor().compress(b"one\ntwo\n" * 500)
BOMB = b"\0" * (4 << 20)
LINES = {"x/../../etc/b.en": b"one\ntwo\n", "b.de": b"eins\nzwei\n"}
PO_HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
MESSAGE = 'msgid "one"\nmsgstr "eins"\n\n'

CASES = {
    # Lines
    "no such file": Case(lambda folder: PlainText({"en": folder / "no"}), r"no: cannot be read \(No such file"),
    "a folder": Case(lambda folder: PlainText({"en": folder}), r"cannot be read \(Is a directory\)"),
    "latin-1 in a pair": Case(plain(b"one\ntwo\n", b"eins\nf\xfcnf\n"), rows=1, rejected={BAD_UTF8: 1}),
    "latin-1 in three languages": Case(
        plain(b"one\ntwo\n", b"eins\nf\xfcnf\n", fr="un\ndeux\n"), rows=2, counts={f"{BAD_UTF8} (de)": 1}
    ),
    "an encoded surrogate": Case(plain(b"\xed\xa0\x80\ntwo\n"), rows=1, rejected={BAD_UTF8: 1}),
    "an overlong code": Case(plain(b"\xc0\xaf\ntwo\n"), rows=1, rejected={BAD_UTF8: 1}),
    "UTF-8 that breaks off": Case(plain(b"one\ntwo \xe2\x82"), rows=1, rejected={BAD_UTF8: 1}),
    "NUL": Case(plain(b"one\0\ntwo\n"), rows=1, rejected={"NUL character": 1}),
    "UTF-16 with a mark": Case(plain("one\ntwo\n".encode("utf-16")), r"a\.en:1: UTF-16, not UTF-8; convert it"),
    "UTF-32 with a mark": Case(plain("one\ntwo\n".encode("utf-32")), r"a\.en:1: UTF-32, not UTF-8; convert it"),
    "UTF-16 without a mark": Case(plain("one\ntwo\n".encode("utf-16-le"), "1\n2\n3\n"), rejected={"NUL character": 3}),
    "a line of 10 MB": Case(plain(b"x" * TEN_MB + b"\ntwo\n"), rows=1, rejected={LONG: 1}),
    "a last line of 10 MB": Case(plain(b"one\n" + b"x" * TEN_MB), rows=1, rejected={LONG: 1}),
    "unequal sides": Case(plain("one\n"), r"a\.de:2: no counterpart for this line, .*a\.en has 1 lines; aligned"),
    "an empty language": Case(plain(b""), r"a\.en:1: the file is empty; give"),
    "both sides empty": Case(plain(b"", b""), r"a\.en:1: the file is empty; give"),
    "nothing but a mark": Case(plain(b"\xef\xbb\xbf"), r"a\.en:1: the file is empty; give"),
    "nothing but empty lines": Case(plain("\n\n", "\n\n"), rows=2),
    "old Macintosh line ends": Case(plain("one\rtwo\r"), r"a\.de:2: no counterpart"),
    # Compressed files
    "gzip that breaks off": Case(plain(GZ[: len(GZ) // 2], suffix=".gz"), r"a\.en\.gz:\d+: not a whole gzip file"),
    "gzip with a wrong sum": Case(plain(GZ[:-8] + b"\0" * 8, suffix=".gz"), "not a whole gzip file .*CRC check failed"),
    "gzip with more behind": Case(plain(GZ + b"PK", suffix=".gz"), "not a whole gzip file"),
    "not gzip": Case(plain("one\n", suffix=".gz"), r"a\.en\.gz:1: not a whole gzip file .*; fetch it again"),
    "xz that breaks off": Case(plain(lzma.compress(b"one\n" * 999)[:-9]), "a.en:.*: not a whole xz file"),
    "xz with a flipped bit": Case(alone(lzma.compress(b"one\n").replace(b"one", b"onf")), "a:1: not a whole xz file"),
    "zstd that breaks off": Case(alone(ZST[:-9]), r"a:\d+: not a whole zstd file \(it ends before its last"),
    "zstd with more behind": Case(alone(ZST + b"PK"), "not a whole zstd file .*; fetch"),
    "not zstd": Case(plain("one\n", suffix=".zst"), r"a\.en\.zst:1: not a whole zstd file"),
    "a zstd bomb": Case(
        plain(zstandard.ZstdCompressor().compress(BOMB * 8), suffix=".zst"), "expands to more than 1,000 times its size"
    ),
    "a line of 1 MB in gzip": Case(
        alone(gzip.compress(b"".join(b"%d" % i for i in range(200_000)) + b"\ntwo\n")), rows=1, rejected={LONG: 1}
    ),
    "an xz bomb": Case(plain(lzma.compress(BOMB * 8)), "a.en: expands to more than 1,000 times its size"),
    # TSV
    "TSV, short rows": Case(
        tsv("one\teins\ntwo\n\nx\ty\tz\n"),
        rows=1,
        rejected={"fewer columns than the first line": 2, "more columns than the first line": 1},
    ),
    "TSV, no such column": Case(tsv("one\teins\n", columns={"en": 1, "de": 7}), r"a\.tsv:1: no column 7, the first"),
    "TSV, no such name": Case(tsv("en\tde\n", columns={"en": "en", "de": "fr"}), r"no column 'fr' in the first line"),
    "TSV, a name twice": Case(tsv("en\ten\n", columns={"en": "en"}), "more than one column 'en' in the first"),
    "TSV, column 0": Case(tsv("one\teins\n", columns={"en": 0}), "no column 0, the first line has 2; columns are"),
    "TSV, nothing but a header": Case(tsv("en\tde\n", header=True), r"a\.tsv:1: no row in it"),
    "TSV, scores": Case(
        tsv("one\teins\t1\na\tb\tnan\nc\td\t\ne\tf\t1e999\n", score=3), rows=1, rejected={"score is no number": 3}
    ),
    "TSV, bytes": Case(
        tsv(b"one\teins\n\xff\tx\na\0\tb\n"), rows=1, rejected={BAD_UTF8: 1, "NUL character": 1}
    ),
    "TSV, no text": Case(tsv("one\teins\n\t\n"), rows=1, rejected={"no text in the languages asked for": 1}),
    # JSON lines
    "JSONL, no JSON": Case(
        jsonl('{"translation": {"en": "a"}}\n{"translation": {"en": \n\n[]\n7\n'),
        rows=1,
        rejected={"no JSON": 1, "empty line": 1, "no JSON object": 2},
    ),
    "JSONL, deep": Case(jsonl("[" * 100_000 + "\n"), rejected={"JSON nested too deeply": 1}),
    "JSONL, a key twice": Case(
        jsonl('{"translation": {"en": "a", "en": "b"}}\n'), rejected={"a key twice in one JSON object": 1}
    ),
    "JSONL, other types": Case(
        jsonl('{"translation": {"en": 7}}\n{"translation": {"en": ["a"]}}\n{"translation": "en"}\n'),
        rejected={"text is no string": 2, "no text in the languages asked for": 1},
    ),
    "JSONL, escapes": Case(
        jsonl(r'{"translation": {"en": "\ud800"}}' + "\n" + r'{"translation": {"en": "\u0000"}}' + "\n"),
        rejected={"lone surrogate": 1, "NUL character": 1},
    ),
    "JSONL, a number of 5,000 digits": Case(jsonl("9" * 5000 + "\n"), rejected={"no JSON": 1}),
    "JSONL, scores and ids": Case(
        jsonl(
            '{"translation": {"en": "a"}, "s": NaN}\n{"translation": {"en": "a"}, "s": true}\n'
            '{"translation": {"en": "a"}, "i": {}}\n{"translation": {"en": "a"}, "i": "x"}\n'
            '{"translation": {"en": "a"}, "i": "x"}\n',
            score="s",
            id="i",
        ),
        rows=2,  # an id may come again
        rejected={"score is no number": 2, "id is no string": 1},
    ),
    "JSONL, 10 MB": Case(
        jsonl(json.dumps({"translation": {"en": "x" * TEN_MB}}) + "\n{}\n"),
        rejected={LONG: 1, "no text in the languages asked for": 1},
    ),
    "JSONL, empty": Case(jsonl(""), r"a\.jsonl:1: no row in it"),
    # TMX
    "TMX, a stray <": Case(tmx(tu() + tu("a < b") + tu()), rows=2, rejected={BAD_XML: 1}),
    "TMX, a stray &": Case(tmx(tu() + tu("a & b") + tu()), rows=2, rejected={BAD_XML: 1}),
    "TMX, wrong nesting": Case(tmx(tu() + tu("<b>a") + tu()), rows=2, rejected={BAD_XML: 1}),
    "TMX, an attribute without quotes": Case(
        tmx(tu() + tu().replace("<tu>", '<tu tuid=3 a="4">') + tu()), rows=2, rejected={BAD_XML: 1}
    ),
    "TMX, a unit without end": Case(tmx(tu() + tu().replace("</tu>", "") + tu()), rows=2, rejected={BAD_XML: 1}),
    "TMX, a last unit without end": Case(tmx(tu() + tu().replace("</tu>", "")), rows=1, rejected={BAD_XML: 1}),
    "TMX, an end too many": Case(tmx(tu() + "</tu></seg>" + tu()), rows=2),
    "TMX, a control character": Case(tmx(tu() + tu("\x01") + tu("&#1;") + tu("\0")), rows=1, rejected={BAD_XML: 3}),
    "TMX that breaks off in a unit": Case(tmx(tu() + "<tu><tuv", after=""), r"a\.tmx:3: breaks off in the unit"),
    "TMX that breaks off between units": Case(tmx(tu() + tu(), after=""), r"a\.tmx:\d: breaks off, <tmx> does not end"),
    "TMX, a comment without end": Case(tmx(tu() + "<!-- " + tu()), r"a\.tmx:3: <!-- has no --> behind it"),
    "TMX, units in a comment": Case(tmx(f"<!-- {tu()} -->{tu()}<![CDATA[{tu()}]]><?x {tu()}?>"), rows=1),
    "TMX, billion laughs": Case(tmx(tu("&l9;"), BILLION_LAUGHS), r"a\.tmx:1: declares entities, which are never"),
    "TMX, an external entity": Case(
        tmx(tu("&x;"), '<!DOCTYPE tmx [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "declares entities"
    ),
    "TMX, a parameter entity": Case(
        tmx(tu(), '<!DOCTYPE tmx [<!ENTITY % x SYSTEM "http://localhost/x.dtd"> %x;]>'), "declares entities"
    ),
    "TMX, an unknown entity": Case(tmx(tu() + tu("a&nbsp;b")), rows=1, rejected={BAD_XML: 1}),
    "TMX, an external document type": Case(tmx(tu(), '<!DOCTYPE tmx SYSTEM "http://localhost:9/tmx14.dtd">\n'), rows=1),
    "TMX, latin-1 that says UTF-8": Case(
        tmx(('<?xml version="1.0" encoding="utf-8"?><tmx>' + tu("ä") + tu() + "</tmx>").encode("latin-1")),
        rows=1,
        rejected={BAD_UTF8: 1},
    ),
    "TMX, an unknown encoding": Case(
        tmx(b'<?xml version="1.0" encoding="klingon"?><tmx></tmx>'), "encoding 'klingon' is not one that is read"
    ),
    "TMX, an encoding that is none": Case(
        tmx(b'<?xml version="1.0" encoding="zlib"?><tmx></tmx>'), "encoding 'zlib' is not one that is read"
    ),
    "TMX, deep": Case(tmx(tu() + tu("<hi>" * 5000 + "</hi>" * 5000)), rows=1, rejected={BAD_XML: 1}),
    "TMX, 10 MB in a unit": Case(tmx(tu() + tu("x" * TEN_MB) + tu()), rows=2, rejected={LONG: 1}),
    "TMX, a start tag of 10 MB": Case(tmx(f'{tu()}<tu a="{"x" * TEN_MB}"></tu>{tu()}'), rows=2, rejected={BAD_XML: 1}),
    "TMX, other languages": Case(
        tmx(tu().replace('"de"', '"fr"').replace('"en"', '"\u20ac"') + "<tu/>" + tu()),
        rows=1,
        rejected={"no text in the languages asked for": 2},
        counts={"text in a language not asked for": 2},
    ),
    "TMX, no units": Case(tmx(""), r"a\.tmx:1: no <tu> in it; give a TMX file"),
    "TMX, no XML": Case(tmx(b"one\teins\n"), r"a\.tmx:\d: no XML: there is no element in it"),
    "TMX, empty": Case(tmx(b""), r"a\.tmx:1: no XML"),
    "TMX, a gzip bomb": Case(tmx(gzip.compress(b"<tmx>" + b" " * (8 << 20), 9), suffix=".gz"), "expands to more than"),
    # XLIFF and WMT
    "XLIFF, damaged": Case(
        xliff('<trans-unit id="1"><source>a</trans-unit><trans-unit id="2"><source>b</source></trans-unit>'),
        rows=1,
        rejected={BAD_XML: 1},
    ),
    "XLIFF that breaks off": Case(xliff("", end=""), r"a\.xlf:1: breaks off, <xliff> does not end"),
    "XLIFF, other languages": Case(
        xliff('<trans-unit id="1"><source>a</source></trans-unit>', 'source-language="fi"'),
        rejected={"another source language": 1},
    ),
    "XLIFF, no XLIFF": Case(xliff("<p/>"), "no <trans-unit> or <unit> in it"),
    "WMT, segments missing and twice": Case(
        wmt(f'<doc id="d"><src lang="en">{seg("1", "2", "2")}</src><ref lang="de">{seg("2", "3")}</ref></doc>'),
        rows=3,
        counts={"a segment's id again in one document": 1},
    ),
    "WMT, a damaged document": Case(
        wmt(f'<doc id="d"><src lang="en">{seg("1")}</doc><doc id="e"><src lang="en">{seg("1")}</src></doc>'),
        rows=1,
        rejected={BAD_XML: 1},
    ),
    "WMT, an empty document": Case(wmt('<doc id="d"></doc>'), rejected={"no text in the languages asked for": 1}),
    # Zip archives
    "zip, names that leave the folder": Case(zipped(LINES), rows=2),
    "zip, cut": Case(zipped(LINES, cut=30), r"a\.zip: no whole zip archive .*not a zip file"),
    "zip, damaged": Case(zipped(LINES, patch=damaged_data), r"a\.zip: no whole zip archive"),
    "zip, encrypted": Case(zipped(LINES, patch=encrypted), r"a\.zip: no whole zip archive .*encrypted"),
    "zip, a language missing": Case(zipped({"b.en": b"x\n"}), r"a\.zip: no member for language 'de' among b\.en"),
    "zip, a language twice": Case(zipped({**LINES, "c.de": b""}), r"2 members for language 'de' among .*`members`"),
    "zip, no such member": Case(zipped(LINES, members={"de": "d.de"}), r"a\.zip: no member 'd\.de' among"),
    "zip, unequal sides": Case(zipped({"b.en": b"x\n", "b.de": b"y\nz\n"}), r"a\.zip/b\.de:2: no counterpart"),
    "zip, an empty member": Case(zipped({"b.en": b"", "b.de": b"y\n"}), r"a\.zip/b\.en:1: the file is empty"),
    "zip, a bomb": Case(zipped({"b.en": BOMB * 4, "b.de": b"y\n"}), r"a\.zip/b\.en: expands to more than"),
    "zip, no zip": Case(
        lambda folder: MosesZip(write(folder / "a.zip", "text"), EN_DE), "no whole zip archive .*not a zip file"
    ),
    # gettext
    "PO, a string without end": Case(po(PO_HEAD + 'msgid "one"\nmsgstr "ei'), r"a\.po:5: no string in quotes"),
    "PO, no PO": Case(po("one\n"), r"a\.po:1: no string in quotes \(one\)"),
    "PO, a word too many": Case(po(PO_HEAD + MESSAGE + 'msgfoo "x"\n'), r"a\.po:7: no PO or MO file"),
    "PO, a quote inside": Case(po(PO_HEAD + 'msgid "a"b"\nmsgstr "c"\n'), r"a\.po:4: no PO or MO file"),
    "PO, a file's name": Case(po("/etc/hostname"), r"a\.po:1: no string in quotes"),
    "PO, latin-1 that says UTF-8": Case(
        po((PO_HEAD + MESSAGE).replace("eins", "\xe4").encode("latin-1")), r"a\.po: not the encoding 'UTF-8'"
    ),
    "PO, a message twice": Case(
        po(PO_HEAD + MESSAGE + MESSAGE), rows=1, counts={"message again in one catalogue (de)": 1}
    ),
    "PO, a plural rule that is none": Case(
        po(PO_HEAD.replace("\\n", "\\nPlural-Forms: nplurals=2; plural=__import__('os');\\n") + MESSAGE),
        r"a\.po: the plural rule \"__import__\('os'\)\" cannot be read; correct it",
    ),
    "PO, a plural rule that divides by 0": Case(
        po(PO_HEAD.replace("\\n", "\\nPlural-Forms: nplurals=2; plural=1/(n-1);\\n") + MESSAGE), "plural rule"
    ),
    "PO, empty": Case(po(""), r"a\.po:1: no message in the catalogues"),
    "PO, nothing but a header": Case(po(PO_HEAD), "no message in the catalogues"),
    "PO, English twice": Case(
        lambda folder: Gettext({"en": write(folder / "en.po", MESSAGE)}), "'en' is the language of the msgids too"
    ),
    "MO that breaks off": Case(mo(lambda content: content[:-20]), r"a\.mo: breaks off, it has strings beyond its end"),
    "MO, nothing but its first bytes": Case(mo(lambda content: content[:4]), r"a\.mo:1: no PO or MO file"),
    "MO, 4 billion strings": Case(mo_with(8, 0xFFFFFFFF), r"a\.mo:1: no PO or MO file"),
    "MO, a table beyond the end": Case(mo_with(12, 0xFFFFFF00), r"a\.mo:1: no PO or MO file"),
    "MO, a string beyond the end": Case(mo_with(28, 0x7FFFFFFF), r"a\.mo: breaks off"),
    "MO, another version": Case(mo_with(4, 0x00070000), r"a\.mo:1: no PO or MO file .*revision"),
    "MO, a bomb of overlapping strings": Case(mo(overlapping), "its strings are longer than the file"),
    # Parquet
    "Parquet, null": Case(parquet(), rows=2),
    "Parquet, cut": Case(parquet(lambda content: content[:-9]), r"a\.parquet: cannot be read as Parquet from row 1"),
    "Parquet, no Parquet": Case(parquet(lambda content: b"text"), r"a\.parquet: cannot be read as Parquet"),
    "Parquet, no such column": Case(parquet(columns={"en": "t.en"}), r"no column 't\.en' among en, de; name one"),
    "Parquet, numbers": Case(parquet(en=[1], de=["a"]), "column 'en' holds int64, not text"),
    "Parquet, bytes": Case(
        parquet(en=raw_strings(b"one", b"\xff", b"a\0"), de=["x", "y", "z"]),
        rows=1,
        rejected={BAD_UTF8: 1, "NUL character": 1},
    ),
    "Parquet, 10 MB": Case(parquet(en=["a", "x" * TEN_MB], de=["b", "c"]), rows=1, rejected={LONG: 1}),
    "Parquet, no rows": Case(parquet(en=pa.array([], pa.string()), de=pa.array([], pa.string())), "no row in it"),
}


def test_there_are_more_than_sixty() -> None:
    assert len(CASES) > 100


@pytest.mark.usefixtures("small_bombs")
@pytest.mark.parametrize("name", CASES)
def test_damage_is_told_or_counted(read_all, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    source = case.make(tmp_path)
    if case.sentence:
        with pytest.raises(UserError, match=case.sentence) as caught:
            read_all(source, 2)
        assert "\n" not in str(caught.value)
        return
    found = read_all(source, 2)
    assert (len(found.rows), found.reasons, dict(found.counts)) == (case.rows, case.rejected, case.counts)
    again = read_all(source, 1000)
    assert (again.rows, again.rejected, again.counts) == (found.rows, found.rejected, found.counts)


WHOLE = {
    "plain text": (b"one\ntwo\n" * 9, lambda path: PlainText({"en": path})),
    "gzip": (gzip.compress(b"one\ntwo\n" * 9, mtime=0), lambda path: PlainText({"en": path})),
    "zstd": (zstandard.ZstdCompressor().compress(b"one\ntwo\n" * 9), lambda path: PlainText({"en": path})),
    "TSV": (b"1\tone\teins\n2\ttwo\tzwei\n", lambda path: Tsv(path, {"en": 2, "de": 3}, score=1)),
    "JSONL": (b'{"t": {"en": "a\\u00e4"}, "s": 1}\n' * 3, lambda path: Jsonl(path, {"en": "t.en"}, score="s")),
    "TMX": (f"<tmx><body>{tu() * 3}</body></tmx>".encode("utf-16"), lambda path: Tmx(path, EN_DE)),
    "XLIFF": (
        b'<xliff version="1.2"><file source-language="en"><group><trans-unit id="1"><source>a<x id="1"/></source>'
        b'<target state="new">b</target></trans-unit></group></file></xliff>',
        lambda path: Xliff(path, *EN_DE),
    ),
    "WMT": (
        f'<dataset><doc id="d"><src lang="en">{seg("1", "2")}</src></doc></dataset>'.encode(),
        lambda path: WmtXml(path, EN_DE),
    ),
    "PO": ((PO_HEAD + MESSAGE + MESSAGE.replace("one", "two")).encode(), lambda path: Gettext({"de": path})),
}
PIECES = (b"<", b"&", b'"', b"\0", b"\xff", b"<!--", b"<![CDATA[", b"</tu>", b"<doc>", b"\n", b"&#xD800;", b"\\ud800")


@pytest.mark.usefixtures("small_bombs")
@pytest.mark.parametrize("name", WHOLE)
def test_whatever_happens_to_a_file_it_is_read_or_refused(read_all, tmp_path: Path, name: str) -> None:
    whole, source = WHOLE[name]
    generator = random.Random(name)
    outcomes = set()
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(generator.randint(1, 3)):
            place = generator.randrange(len(content))
            length = generator.choice([0, 0, 1, 20])
            content[place : place + length] = generator.choice([b"", bytes([generator.randrange(256)]), *PIECES])
        path = write(tmp_path / "a", bytes(content))
        try:
            assert read_all(source(path), 2) == read_all(source(path), 1000)
            outcomes.add("read")
        except UserError as error:
            assert "\n" not in str(error).encode().decode()
            outcomes.add("refused")
    assert outcomes == {"read", "refused"} or name in ("plain text", "JSONL")
