"""Damaged and hostile XML, each with its sentence or its counts."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from writing import BAD_UTF8, EN_DE, LONG, TEN_MB, write

from data_prep.readers.tmx import Tmx
from data_prep.readers.wmt_xml import WmtXml
from data_prep.readers.xliff import Xliff

BAD_XML = "XML that is not well-formed"
BILLION_LAUGHS = (
    "<!DOCTYPE x [<!ENTITY l0 'lol'>"
    + "".join(f"<!ENTITY l{i} '{f'&l{i - 1};' * 10}'>" for i in range(1, 10))
    + "]>"
)


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


CASES = {
    # TMX
    "TMX, a stray <": (tmx(tu() + tu("a < b") + tu()), dict(rows=2, rejected={BAD_XML: 1})),
    "TMX, a stray &": (tmx(tu() + tu("a & b") + tu()), dict(rows=2, rejected={BAD_XML: 1})),
    "TMX, wrong nesting": (tmx(tu() + tu("<b>a") + tu()), dict(rows=2, rejected={BAD_XML: 1})),
    "TMX, an attribute without quotes": (
        tmx(tu() + tu().replace("<tu>", '<tu tuid=3 a="4">') + tu()), dict(rows=2, rejected={BAD_XML: 1})
    ),
    "TMX, a unit without end": (tmx(tu() + tu().replace("</tu>", "") + tu()), dict(rows=2, rejected={BAD_XML: 1})),
    "TMX, a last unit without end": (tmx(tu() + tu().replace("</tu>", "")), dict(rows=1, rejected={BAD_XML: 1})),
    "TMX, an end too many": (tmx(tu() + "</tu></seg>" + tu()), dict(rows=2, rejected={"unit whose start is lost": 1})),
    "TMX, a control character": (tmx(tu() + tu("\x01") + tu("&#1;") + tu("\0")), dict(rows=1, rejected={BAD_XML: 3})),
    "TMX that breaks off in a unit": (tmx(tu() + "<tu><tuv", after=""), r"a\.tmx:3: breaks off in the unit"),
    "TMX that breaks off between units": (tmx(tu() + tu(), after=""), r"a\.tmx:\d: breaks off, <tmx> does not end"),
    "TMX, a comment without end": (tmx(tu() + "<!-- " + tu()), r"a\.tmx:3: <!-- has no --> behind it"),
    "TMX, units in a comment": (tmx(f"<!-- {tu()} -->{tu()}<![CDATA[{tu()}]]><?x {tu()}?>"), dict(rows=1)),
    "TMX, billion laughs": (tmx(tu("&l9;"), BILLION_LAUGHS), r"a\.tmx:1: declares entities, which are never"),
    "TMX, an external entity": (
        tmx(tu("&x;"), '<!DOCTYPE tmx [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "declares entities"
    ),
    "TMX, a parameter entity": (
        tmx(tu(), '<!DOCTYPE tmx [<!ENTITY % x SYSTEM "http://localhost/x.dtd"> %x;]>'), "declares entities"
    ),
    "TMX, an unknown entity": (tmx(tu() + tu("a&nbsp;b")), dict(rows=1, rejected={BAD_XML: 1})),
    "TMX, an external document type": (
        tmx(tu(), '<!DOCTYPE tmx SYSTEM "http://localhost:9/tmx14.dtd">\n'),
        dict(rows=1),
    ),
    "TMX, latin-1 that says UTF-8": (
        tmx(('<?xml version="1.0" encoding="utf-8"?><tmx>' + tu("ä") + tu() + "</tmx>").encode("latin-1")),
        dict(rows=1,
        rejected={BAD_UTF8: 1}),
    ),
    "TMX, an unknown encoding": (
        tmx(b'<?xml version="1.0" encoding="klingon"?><tmx></tmx>'), "encoding 'klingon' is not one that is read"
    ),
    "TMX, an encoding that is none": (
        tmx(b'<?xml version="1.0" encoding="zlib"?><tmx></tmx>'), "encoding 'zlib' is not one that is read"
    ),
    "TMX, deep": (tmx(tu() + tu("<hi>" * 5000 + "</hi>" * 5000)), dict(rows=1, rejected={BAD_XML: 1})),
    "TMX, 10 MB in a unit": (tmx(tu() + tu("x" * TEN_MB) + tu()), dict(rows=2, rejected={LONG: 1})),
    "TMX, a start tag of 10 MB": (
        tmx(f'{tu()}<tu a="{"x" * TEN_MB}"></tu>{tu()}'),
        dict(rows=2, rejected={BAD_XML: 1}),
    ),
    "TMX, other languages": (
        tmx(tu().replace('"de"', '"fr"').replace('"en"', '"\u20ac"') + "<tu/>" + tu()),
        dict(rows=1,
        rejected={"no text in the languages asked for": 2},
        counts={"text in a language not asked for": 2}),
    ),
    "TMX, no units": (tmx(""), r"a\.tmx: no <tu> in it; give a TMX file"),
    "TMX, no XML": (tmx(b"one\teins\n"), r"a\.tmx:\d: no XML: there is no element in it"),
    "TMX, empty": (tmx(b""), r"a\.tmx: the file is empty"),
    "TMX, a gzip bomb": (tmx(gzip.compress(b"<tmx>" + b" " * (8 << 20), 9), suffix=".gz"), "expands to more than"),
    "TMX, units whose start is lost": (
        tmx(tu() + tu().removeprefix("<tu>") + tu() + tu().removeprefix("<tu>").replace("</tu>", "")),
        dict(rows=2,
        rejected={"unit whose start is lost": 2}),
    ),
    "TMX, no <seg>": (
        tmx(tu() + tu().replace("<seg>", "").replace("</seg>", "")), dict(rows=1, rejected={"no <seg> in a <tuv>": 1})
    ),
    "TMX, a draft": (
        tmx(tu() + tu().replace("<tu>", '<tu><prop type="x-ConfirmationLevel">Draft</prop>')),
        dict(rows=1,
        rejected={"state Draft": 1}),
    ),
    # XLIFF and WMT
    "XLIFF, partly translated": (
        xliff(
            '<trans-unit id="1"><source>A B</source><seg-source><mrk mtype="seg" mid="1">A</mrk> <mrk mtype="seg" '
            'mid="2">B</mrk></seg-source><target><mrk mtype="seg" mid="2">b</mrk></target></trans-unit>'
        ),
        dict(rows=2),
    ),
    "XLIFF, drafts and rejected translations": (
        xliff(
            "".join(
                f'<trans-unit id="{i}"><source>a</source><target {state}>b</target></trans-unit>'
                for i, state in enumerate(('state="new"', 'state-qualifier="rejected-length"', 'state="final"'))
            )
        ),
        dict(rows=1,
        rejected={"state new": 1, "state rejected-length": 1}),
    ),
    "XLIFF, segments that nothing pairs": (
        xliff(
            '<trans-unit id="1"><source>A B</source><target><mrk mtype="seg" mid="2">b</mrk></target></trans-unit>'
            '<trans-unit id="2"><source>A</source><target>a</target></trans-unit>'
        ),
        dict(rows=1,
        rejected={"segments whose numbers do not tell which belong together": 1}),
    ),
    "XLIFF, damaged": (
        xliff('<trans-unit id="1"><source>a</trans-unit><trans-unit id="2"><source>b</source></trans-unit>'),
        dict(rows=1,
        rejected={BAD_XML: 1}),
    ),
    "XLIFF that breaks off": (xliff("", end=""), r"a\.xlf:1: breaks off, <xliff> does not end"),
    "XLIFF, other languages": (
        xliff('<trans-unit id="1"><source>a</source></trans-unit>', 'source-language="fi"'),
        dict(rejected={"another source language": 1}),
    ),
    "XLIFF, deep": (xliff("<group>" * 5000 + "<unit/>" * 5000), r"a\.xlf:1: elements around units are nested more"),
    "XLIFF, no XLIFF": (xliff("<p/>"), "no <trans-unit> or <unit> in it"),
    "WMT, segments missing and twice": (
        wmt(f'<doc id="d"><src lang="en">{seg("1", "2", "2")}</src><ref lang="de">{seg("2", "3")}</ref></doc>'),
        dict(rows=3,
        counts={"a segment's id again in one document": 1}),
    ),
    "WMT, a damaged document": (
        wmt(f'<doc id="d"><src lang="en">{seg("1")}</doc><doc id="e"><src lang="en">{seg("1")}</src></doc>'),
        dict(rows=1,
        rejected={BAD_XML: 1}),
    ),
    "WMT, an empty document": (wmt('<doc id="d"></doc>'), dict(rejected={"no text in the languages asked for": 1})),
}
WHOLE = {
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
}
