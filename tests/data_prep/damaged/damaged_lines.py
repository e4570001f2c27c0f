"""Damaged and hostile lines, tables and compressed files, each with its sentence or its counts."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path

import zstandard
from writing import BAD_UTF8, BOMB, EN_DE, LONG, TEN_MB, write

from data_prep.readers.jsonl import Jsonl
from data_prep.readers.plain_text import PlainText
from data_prep.readers.source import Source
from data_prep.readers.tsv import Tsv

GZ = gzip.compress(b"one\ntwo\n" * 5000, mtime=0)
ZST = zstandard.ZstdCompressor().compress(b"one\ntwo\n" * 500)
WITH_DICTIONARY = zstandard.ZstdCompressor(
    dict_data=zstandard.train_dictionary(1024, [b"%d: one two three" % i for i in range(999)])
).compress(b"1: one two three\n")
XZ = lzma.compress(b"one\ntwo\n" * 500)


def xz_with_dictionary(size: int) -> bytes:
    """An xz stream whose header asks for a dictionary of *size* bytes, by the format's own table and checksums."""
    bits = next(bits for bits in range(41) if ((2 | bits & 1) << (bits // 2 + 11)) - (bits == 40) >= size - 1)
    stream = bytearray(XZ)
    place = stream.index(b"\x21\x01", 12) + 2
    stream[place] = bits
    end = 12 + (stream[12] + 1) * 4
    stream[end - 4 : end] = zlib.crc32(stream[12 : end - 4]).to_bytes(4, "little")
    return bytes(stream)


def plain(en: bytes | str, de: bytes | str = "eins\nzwei\n", suffix: str = "", **more: bytes | str) -> Callable:
    def make(folder: Path) -> Source:
        contents = {"en": en, "de": de, **more}
        return PlainText({code: write(folder / f"a.{code}{suffix}", content) for code, content in contents.items()})

    return make


def scored(scores: bytes | str) -> Callable:
    def make(folder: Path) -> Source:
        return PlainText(plain("one\ntwo\n")(folder).files, write(folder / "a.scores", scores))

    return make


def alone(content: bytes) -> Callable:
    return lambda folder: PlainText({"en": write(folder / "a", content)})


def tsv(content: bytes | str, **options: object) -> Callable:
    return lambda folder: Tsv(write(folder / "a.tsv", content), **({"columns": {"en": 1, "de": 2}} | options))


def jsonl(content: bytes | str, **options: object) -> Callable:
    keys = {code: f"translation.{code}" for code in EN_DE}
    return lambda folder: Jsonl(write(folder / "a.jsonl", content), **({"keys": keys} | options))


CASES = {
    # Lines
    "no such file": (lambda folder: PlainText({"en": folder / "no"}), r"no: cannot be read \(No such file"),
    "a folder": (lambda folder: PlainText({"en": folder}), r"cannot be read \(Is a directory\)"),
    "latin-1 in a pair": (plain(b"one\ntwo\n", b"eins\nf\xfcnf\n"), dict(rows=1, rejected={BAD_UTF8: 1})),
    "latin-1 in three languages": (
        plain(b"one\ntwo\n", b"eins\nf\xfcnf\n", fr="un\ndeux\n"), dict(rows=2, gaps={"de": {BAD_UTF8: 1}})
    ),
    "an encoded surrogate": (plain(b"\xed\xa0\x80\ntwo\n"), dict(rows=1, rejected={BAD_UTF8: 1})),
    "an overlong code": (plain(b"\xc0\xaf\ntwo\n"), dict(rows=1, rejected={BAD_UTF8: 1})),
    "UTF-8 that breaks off": (plain(b"one\ntwo \xe2\x82"), dict(rows=1, rejected={BAD_UTF8: 1})),
    "NUL": (plain(b"one\0\ntwo\n"), dict(rows=1, rejected={"NUL character": 1})),
    "UTF-16 with a mark": (plain("one\ntwo\n".encode("utf-16")), r"a\.en:1: UTF-16, not UTF-8; convert it"),
    "UTF-32 with a mark": (plain("one\ntwo\n".encode("utf-32")), r"a\.en:1: UTF-32, not UTF-8; convert it"),
    "UTF-16 without a mark": (
        plain("one\ntwo\n".encode("utf-16-le"), "1\n2\n3\n"),
        dict(rejected={"NUL character": 3}),
    ),
    "a line of 10 MB": (plain(b"x" * TEN_MB + b"\ntwo\n"), dict(rows=1, rejected={LONG: 1})),
    "a last line of 10 MB": (plain(b"one\n" + b"x" * TEN_MB), dict(rows=1, rejected={LONG: 1})),
    "unequal sides": (plain("one\n"), r"a\.de:2: no counterpart for this line, .*a\.en has 1 lines; aligned"),
    "an empty language": (plain(b""), r"a\.en:1: the file is empty; give"),
    "both sides empty": (plain(b"", b""), r"a\.en: the file is empty; give"),
    "nothing but a mark": (plain(b"\xef\xbb\xbf"), r"a\.en:1: the file is empty; give"),
    "nothing but empty lines": (plain("\n\n", "\n\n"), dict(rows=2)),
    "old Macintosh line ends": (plain("one\rtwo\r"), r"a\.en:1: its lines end with \\r alone; convert it \(tr"),
    "old Macintosh line ends, 10 MB": (plain("one\rtwo\r" * (TEN_MB // 8)), r"a\.en:1: its lines end with \\r alone"),
    "one line that ends with a carriage return": (plain("one\r", "eins\r"), dict(rows=1)),
    "scores of fewer rows": (scored("1\n"), r"a\.en:2: no counterpart for this line, .*a\.scores has 1 lines; aligned"),
    "scores that are none": (scored(b"-1e-3\n\xff\n"), dict(rows=1, rejected={"score is no number": 1})),
    "no scores": (scored(""), r"a\.scores:1: the file is empty; give"),
    # Compressed files
    "gzip that breaks off": (plain(GZ[: len(GZ) // 2], suffix=".gz"), r"a\.en\.gz:\d+: not a whole gzip file"),
    "gzip with a wrong sum": (plain(GZ[:-8] + bytes(8), suffix=".gz"), "not a whole gzip file .*incorrect data check"),
    "gzip with more behind": (
        alone(GZ + b"PK"), rf"gzip that cannot be read on \(from byte {len(GZ)} on .*something else.*; cut that off"
    ),
    "not gzip": (plain("one\n", suffix=".gz"), r"a\.en\.gz:1: no gzip file, though .*; rename it"),
    "xz that breaks off": (plain(lzma.compress(b"one\n" * 999)[:-9]), "a.en:.*: not a whole xz file"),
    "xz with a flipped bit": (alone(lzma.compress(b"one\n").replace(b"one", b"onf")), "a:1: not a whole xz file"),
    "zstd that breaks off": (alone(ZST[:-9]), r"a:\d+: not a whole zstd file \(it ends before its data"),
    "zstd with more behind": (alone(ZST + b"PK"), "zstd that cannot be read on .*something else.*; cut that off"),
    "not zstd": (plain("one\n", suffix=".zst"), r"a\.en\.zst:1: no zstd file, though"),
    "zstd with zeros behind": (alone(ZST + bytes(4)), "4 zero bytes from byte .* are no padding of zstd.*; fetch"),
    "zstd with a dictionary": (alone(WITH_DICTIONARY), "needs the dictionary that it was made with.; unpack it"),
    "zstd with a window of 4 GiB": (
        alone(bytes.fromhex("28b52ffd00b00100007831")), "more than 2 GiB of memory.; unpack it with .zstd -d --mem"
    ),
    "xz with padding of 3 bytes": (alone(XZ + bytes(3)), f"3 zero bytes from byte {len(XZ)} on are no padding of xz"),
    "xz, the second stream damaged": (alone(XZ + XZ[:-9] + bytes(9)), r"a:\d+: not a whole xz file"),
    "xz, the start of the second stream damaged": (
        alone(XZ + b"\xfd7zYZ\0" + XZ[6:]), f"from byte {len(XZ)} on it is something else than xz"
    ),
    "an xz stream for 4 GiB of memory": (alone(xz_with_dictionary(4 << 30)), "more than 2 GiB of memory.; unpack it"),
    "bzip2 that breaks off": (alone(bz2.compress(b"one\n" * 999)[:-9]), "a:1: not a whole bzip2 file .it ends before"),
    "bzip2 with a flipped bit": (alone(bz2.compress(b"one\n")[:-1] + b"\xff"), "a:1: not a whole bzip2 file"),
    "bzip2 with more behind": (alone(bz2.compress(b"one\n") + b"BZ"), "something else than bzip2.*; cut that off"),
    "not bzip2": (plain("one\n", suffix=".bz2"), r"a\.en\.bz2:1: no bzip2 file, though named as one; rename it"),
    "a bzip2 bomb": (plain(bz2.compress(BOMB * 8)), "a.en: expands to more than 1,000 times its size"),
    "a zstd bomb": (
        plain(zstandard.ZstdCompressor().compress(BOMB * 8), suffix=".zst"), "expands to more than 1,000 times its size"
    ),
    "a line of 1 MB in gzip": (
        alone(gzip.compress(b"".join(b"%d" % i for i in range(200_000)) + b"\ntwo\n")), dict(rows=1, rejected={LONG: 1})
    ),
    "an xz bomb": (plain(lzma.compress(BOMB * 8)), "a.en: expands to more than 1,000 times its size"),
    # TSV
    "TSV, short rows": (
        tsv("one\teins\ntwo\n\nx\ty\tz\n"),
        dict(rows=1,
        rejected={"fewer columns than most lines": 2, "more columns than most lines": 1}),
    ),
    "TSV, no such column": (tsv("one\teins\n", columns={"en": 1, "de": 7}), "a.tsv:1: no column 7, most lines have 2"),
    "TSV, a tab too many in the first line": (
        tsv("an\todd\tline\none\teins\ntwo\tzwei\n"), dict(rows=2, rejected={"more columns than most lines": 1})
    ),
    "TSV, a tab too few in the first line": (
        tsv("odd\none\teins\ntwo\tzwei\n"), dict(rows=2, rejected={"fewer columns than most lines": 1})
    ),
    "TSV, a damaged first line": (
        tsv(b"\xff\ta\tb\nen\tde\none\teins\n", columns={"en": "en", "de": "de"}), dict(rows=1, rejected={BAD_UTF8: 1})
    ),
    "TSV, a header with a tab too many": (
        tsv("en\tde\t\none\teins\ntwo\tzwei\n", columns={"en": "en", "de": "de"}),
        r"a\.tsv:1: 3 columns in the header, 2 in most lines; correct it, or give the columns by number",
    ),
    "TSV, most lines without a column": (
        tsv("one\ntwo\none\teins\n"), dict(rows=1, rejected={"fewer columns than most lines": 2})
    ),
    "TSV, old Macintosh line ends": (tsv("one\teins\rtwo\tzwei\r"), r"a\.tsv:1: its lines end with \\r alone; convert"),
    "TSV, no such name": (tsv("en\tde\n", columns={"en": "en", "de": "fr"}), r"no column 'fr' in the first line"),
    "TSV, a name twice": (tsv("en\ten\n", columns={"en": "en"}), "more than one column 'en' in the first"),
    "TSV, column 0": (tsv("one\teins\n", columns={"en": 0}), "no column 0, most lines have 2; columns are"),
    "TSV, nothing but a header": (tsv("en\tde\n", header=True), r"a\.tsv: no row in it"),
    "TSV, scores": (
        tsv("one\teins\t1\na\tb\tnan\nc\td\t\ne\tf\t1e999\n", score=3), dict(rows=1, rejected={"score is no number": 3})
    ),
    "TSV, bytes": (
        tsv(b"one\teins\n\xff\tx\na\0\tb\n"), dict(rows=1, rejected={BAD_UTF8: 1, "NUL character": 1})
    ),
    "TSV, no text": (tsv("one\teins\n\t\n"), dict(rows=1, rejected={"no text in the languages asked for": 1})),
    # JSON lines
    "JSONL, no JSON": (
        jsonl('{"translation": {"en": "a"}}\n{"translation": {"en": \n\n[]\n7\n'),
        dict(rows=1,
        rejected={"no JSON": 1, "empty line": 1, "no JSON object": 2}),
    ),
    "JSONL, deep": (jsonl('{"a":' * 100_000 + "\n"), dict(rejected={"JSON nested too deeply": 1})),
    "JSONL, a key twice": (
        jsonl('{"translation": {"en": "a", "en": "b"}}\n'), dict(rejected={"a key twice in one JSON object": 1})
    ),
    "JSONL, other types": (
        jsonl('{"translation": {"en": 7}}\n{"translation": {"en": ["a"]}}\n{"translation": "en"}\n'),
        dict(rejected={"text is no string": 2, "no text in the languages asked for": 1}),
    ),
    "JSONL, escapes": (
        jsonl(r'{"translation": {"en": "\ud800"}}' + "\n" + r'{"translation": {"en": "\u0000"}}' + "\n"),
        dict(rejected={"lone surrogate": 1, "NUL character": 1}),
    ),
    "JSONL, a number of 5,000 digits": (jsonl("9" * 5000 + "\n"), dict(rejected={"no JSON": 1})),
    "JSONL, scores and ids": (
        jsonl(
            '{"translation": {"en": "a"}, "s": NaN}\n{"translation": {"en": "a"}, "s": true}\n'
            '{"translation": {"en": "a"}, "i": {}}\n{"translation": {"en": "a"}, "i": "x"}\n'
            '{"translation": {"en": "a"}, "i": "x"}\n',
            score="s",
            id="i",
        ),
        dict(rows=2,  # an id may come again
        rejected={"score is no number": 2, "id is no string": 1}),
    ),
    "JSONL, an array on one line": (
        jsonl(json.dumps([{"translation": {"en": "a"}}] * 3)), "a.jsonl:1: an array, not one JSON object a line; conv"
    ),
    "JSONL, an array over many lines": (
        jsonl(json.dumps([{"translation": {"en": "a"}}] * 3, indent=0)), r"an array, not .* \(jq -c '\.\[\]' FILE > NEW"
    ),
    "JSONL, an array of 10 MB": (jsonl("\n" + json.dumps([{"en": "x" * 99}] * (TEN_MB // 99))), "an array, not one"),
    "JSONL, an array with an object a line": (
        jsonl('[\n{"translation": {"en": "a"}},\n{"translation": {"en": "a"}}\n]\n'), "an array, not one JSON object"
    ),
    "JSONL, one odd line first": (
        jsonl('["en"]\n' + '{"translation": {"en": "a"}}\n' * 2), dict(rows=2, rejected={"no JSON object": 1})
    ),
    "JSONL, an object over many lines": (
        jsonl(json.dumps({"data": [{"en": "a"}]}, indent=1)), "one object over several lines, not .* .jq -c '.' FILE"
    ),
    "JSONL, 10 MB": (
        jsonl(json.dumps({"translation": {"en": "x" * TEN_MB}}) + "\n{}\n"),
        dict(rejected={LONG: 1, "no text in the languages asked for": 1}),
    ),
    "JSONL, empty": (jsonl(""), r"a\.jsonl: no row in it"),
}
WHOLE = {
    "plain text": (b"one\ntwo\n" * 9, lambda path: PlainText({"en": path})),
    "gzip": (gzip.compress(b"one\ntwo\n" * 9, mtime=0), lambda path: PlainText({"en": path})),
    "zstd": (zstandard.ZstdCompressor().compress(b"one\ntwo\n" * 9), lambda path: PlainText({"en": path})),
    "TSV": (b"1\tone\teins\n2\ttwo\tzwei\n", lambda path: Tsv(path, {"en": 2, "de": 3}, score=1)),
    "JSONL": (b'{"t": {"en": "a\\u00e4"}, "s": 1}\n' * 3, lambda path: Jsonl(path, {"en": "t.en"}, score="s")),
}
