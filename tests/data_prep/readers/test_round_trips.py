"""What an independent writer of each format writes is read; the batches' size never matters; twice gives the same."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import math
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polib
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from data_prep.readers.jsonl import Jsonl
from data_prep.readers.moses_zip import MosesZip
from data_prep.readers.parquet import Parquet
from data_prep.readers.plain_text import PlainText
from data_prep.readers.po import Gettext
from data_prep.readers.source import Source
from data_prep.readers.store import StoreRows
from data_prep.readers.tmx import Tmx
from data_prep.readers.tsv import Tsv
from data_prep.readers.wmt_xml import WmtXml
from data_prep.readers.xliff import Xliff
from mtdeep.corpus import StoreWriter, text_blocks
from mtdeep.corpus.blocks import Block
from mtdeep.corpus.subwords import Subwords
from mtdeep.corpus.vocabulary import UNK

# What XML 1.0 can hold (its section 2.2), a carriage return aside, which it reads as a line feed.
IN_XML = st.characters(
    exclude_categories=["Cs", "Cc"], include_characters="\t\n\u0085", exclude_characters="\ufffe\uffff"
)
IN_LINES = st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r\ufeff")
IN_FIELDS = st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r\t\ufeff")
ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
SPECIAL = ["a\u0085b", "a\u2028b", "\u00a0", "\u200b", "x \x0b\x0c\x1c y", "<&>\"'", "\\n", "\U0001d518"]
Rows = Sequence[tuple[str, str]]


def rows_of(characters: st.SearchStrategy[str], filled: bool = True) -> st.SearchStrategy[Rows]:
    """Pairs, the empty text among them; *filled*: no pair of two empty texts, which most formats have no row for."""
    text = st.text(characters, max_size=8) | st.sampled_from(SPECIAL).filter(lambda s: "\x0b" not in s)
    pair = st.tuples(text, text)
    return st.lists(pair.filter(any) if filled else pair, min_size=1, max_size=7)


few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PACKED = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def check(read_all, source: Source, rows: Rows, ids: Sequence[str] | None = None, size: int = 2) -> None:
    found = read_all(source, size)
    assert found.rows == list(rows)
    assert not found.rejected
    assert ids is None or found.ids == list(ids)
    assert all(read_all(source, other) == found for other in (1, size, len(rows), 1000))


@few
@given(rows=rows_of(IN_LINES, filled=False), packed=st.sampled_from([*PACKED]), end=st.sampled_from(["\n", "\r\n"]))
def test_plain_text(read_all, tmp_path: Path, rows: Rows, packed: str, end: str) -> None:
    files = {language: tmp_path / f"a.{language}{packed}" for language in ("en", "de")}
    for path, column in zip(files.values(), zip(*rows, strict=True), strict=True):
        path.write_bytes(PACKED[packed]("".join(text + end for text in column).encode("utf-8-sig")))
    check(read_all, PlainText(files), rows)


@few
@given(rows=rows_of(IN_FIELDS), header=st.booleans())
def test_tsv(read_all, tmp_path: Path, rows: Rows, header: bool) -> None:
    path = tmp_path / "a.tsv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, "excel-tab", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
        writer.writerows([["score", "en", "de", "id"]] if header else [])
        writer.writerows([i / 4, en, de, f"r{i}"] for i, (en, de) in enumerate(rows))
    columns: dict[str, str | int] = {"en": "en", "de": "de"} if header else {"en": 2, "de": 3}
    source = Tsv(path, columns, score=1, id=4)
    check(read_all, source, rows, [f"r{i}" for i in range(len(rows))])
    assert read_all(source).scores == [i / 4 for i in range(len(rows))]


@few
@given(rows=rows_of(ANY), ascii_only=st.booleans())
def test_jsonl(read_all, tmp_path: Path, rows: Rows, ascii_only: bool) -> None:
    path = tmp_path / "a.jsonl"
    objects = [
        {"id": i, "translation": {"en": en, "de": de or None}, "score": i / 8} for i, (en, de) in enumerate(rows)
    ]
    path.write_text("".join(json.dumps(o, ensure_ascii=ascii_only) + "\n" for o in objects), "utf-8", newline="\n")
    source = Jsonl(path, {"en": "translation.en", "de": "translation.de"}, id="id", score="score")
    check(read_all, source, rows, [str(i) for i in range(len(rows))])
    assert read_all(source).scores == [i / 8 for i in range(len(rows))]


@few
@given(rows=rows_of(IN_XML), encoding=st.sampled_from(["utf-8", "utf-16", "us-ascii"]), pretty=st.booleans())
def test_tmx(read_all, tmp_path: Path, rows: Rows, encoding: str, pretty: bool) -> None:
    root = etree.Element("tmx", version="1.4")
    body = etree.SubElement(root, "body")
    for i, pair in enumerate(rows):
        unit = etree.SubElement(body, "tu", tuid=f"<{i}>")
        for language, text in zip(("en-GB", "DE"), pair, strict=True):
            variant = etree.SubElement(unit, "tuv", {"{http://www.w3.org/XML/1998/namespace}lang": language})
            etree.SubElement(variant, "seg").text = text
    path = tmp_path / "a.tmx"
    etree.ElementTree(root).write(path, encoding=encoding, xml_declaration=True, pretty_print=pretty)
    check(read_all, Tmx(path, ("en", "de")), rows, [f"<{i}>" for i in range(len(rows))])


@few
@given(rows=rows_of(IN_XML), version=st.sampled_from(["1.2", "2.0"]), prefix=st.sampled_from([None, "x"]))
def test_xliff(read_all, tmp_path: Path, rows: Rows, version: str, prefix: str | None) -> None:
    space = f"urn:oasis:names:tc:xliff:document:{version}"
    make = etree.Element, etree.SubElement
    codes = {"srcLang": "en", "trgLang": "de"} if version == "2.0" else {}
    root = make[0](f"{{{space}}}xliff", {"version": version, **codes}, nsmap={prefix: space})
    codes = {"source-language": "en-US", "target-language": "de"} if version == "1.2" else {}
    file = make[1](root, f"{{{space}}}file", codes)
    for i, (en, de) in enumerate(rows):
        unit = make[1](file, f"{{{space}}}{'unit' if version == '2.0' else 'trans-unit'}", id=str(i))
        holder = make[1](unit, f"{{{space}}}segment") if version == "2.0" else unit
        make[1](holder, f"{{{space}}}source").text = en
        if de:
            make[1](holder, f"{{{space}}}target").text = de
    path = tmp_path / "a.xlf"
    etree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    check(read_all, Xliff(path, "en", "de"), rows, [str(i) for i in range(len(rows))])


@few
@given(rows=rows_of(IN_XML), documents=st.integers(1, 3))
def test_wmt_xml(read_all, tmp_path: Path, rows: Rows, documents: int) -> None:
    root = etree.Element("dataset", id="test")
    for number in range(documents):
        mine = list(enumerate(rows))[number::documents]
        document = etree.SubElement(root, "doc", origlang="en", id=f"d{number}")
        for side, language, column in (("src", "en", 0), ("ref", "de", 1)):
            paragraph = etree.SubElement(etree.SubElement(document, side, lang=language), "p")
            for i, pair in mine:
                etree.SubElement(paragraph, "seg", id=str(i)).text = pair[column]
        if not mine:
            root.remove(document)
    path = tmp_path / "a.xml"
    etree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    order = [i for number in range(documents) for i in range(number, len(rows), documents)]
    ids = [f"d{i % documents}:{i}" for i in order]
    check(read_all, WmtXml(path, ("en", "de")), [rows[i] for i in order], ids)


@few
@given(rows=rows_of(IN_LINES, filled=False), method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
def test_moses_zip(read_all, tmp_path: Path, rows: Rows, method: int) -> None:
    path = tmp_path / "de-en.txt.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("README", "about")
        for language, column in zip(("en", "de"), zip(*rows, strict=True), strict=True):
            archive.writestr(f"Books.de-en.{language}", "".join(text + "\n" for text in column))
    check(read_all, MosesZip(path, ("en", "de")), rows)


@few
@given(rows=rows_of(ANY), compiled=st.booleans())
def test_gettext(read_all, tmp_path: Path, rows: Rows, compiled: bool) -> None:
    messages = {en: de for en, de in rows if en and "\x04" not in en + de}
    messages["the last"] = "die letzte"
    catalogue = polib.POFile(wrapwidth=0)
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    for en, de in messages.items():
        catalogue.append(polib.POEntry(msgid=en, msgstr=de))
    path = tmp_path / ("a.mo" if compiled else "a.po")
    (catalogue.save_as_mofile if compiled else catalogue.save)(str(path))
    found = read_all(Gettext({"de": path}))
    # An MO file has no message without translation, and sorts the others.
    assert dict(found.rows) == {en: de for en, de in messages.items() if de or not compiled}
    assert found.ids == [en for en, _ in found.rows]
    if not compiled:
        check(read_all, Gettext({"de": path}), list(messages.items()))


@few
@given(rows=rows_of(ANY), nested=st.booleans(), groups=st.integers(1, 3))
def test_parquet(read_all, tmp_path: Path, rows: Rows, nested: bool, groups: int) -> None:
    flat = {"en": [en or None for en, _ in rows], "de": [de for _, de in rows]}
    structs = [{"en": en or None, "de": de} for en, de in rows]
    table = pa.table({**({"t": structs} if nested else flat), "n": range(len(rows)), "s": [0.5] * len(rows)})
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=groups)
    columns = {language: f"t.{language}" if nested else language for language in ("en", "de")}
    source = Parquet(path, columns, id="n", score="s")
    check(read_all, source, rows, [str(i) for i in range(len(rows))])
    assert read_all(source).scores == [0.5] * len(rows)


@pytest.fixture(scope="module")
def subwords(train_subwords) -> tuple[Subwords, bytes]:
    return train_subwords(["a b c d e f"], ("en", "de"), 10)


@few
@given(rows=rows_of(ANY, filled=False))
def test_store(read_all, subwords: tuple[Subwords, bytes], tmp_path_factory, rows: Rows) -> None:
    """Of a split that keeps its text: what SentencePiece would make of it plays no part."""
    path = tmp_path_factory.mktemp("stores") / "store"
    columns = dict(zip(("en", "de"), map(list, zip(*rows, strict=True)), strict=True))
    with StoreWriter(path, subwords[0].vocabulary, subwords[1]) as writer:
        ids = {language: [Block(np.full(sum(map(bool, column)), UNK, np.uint8), np.array([*map(bool, column)], int))]
               for language, column in columns.items()}  # fmt: skip
        text = {language: text_blocks(column) for language, column in columns.items()}
        writer.add_corpus("a", "test", ids, text=text, provenance={})
        writer.finish({})
    check(read_all, StoreRows(path, "a", ("en", "de"), "test"), rows)


@pytest.mark.parametrize("packed", [*PACKED])
def test_long_files_are_read_block_by_block(read_all, tmp_path: Path, packed: str) -> None:
    lines: list[str] = [f"{i} " + "ä" * (i % 97) for i in range(8_000)]
    columns: dict[str, Callable[[int], str]] = {"en": lambda i: lines[i], "de": lambda i: lines[-i - 1]}
    files = {}
    for language, line in columns.items():
        files[language] = tmp_path / f"a.{language}{packed}"
        files[language].write_bytes(PACKED[packed]("".join(line(i) + "\n" for i in range(len(lines))).encode()))
    found = read_all(PlainText(files), 3_000)
    assert found.columns == {"en": lines, "de": lines[::-1]}


def test_missing_scores_are_nan(read_all, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"en": "a"}\n{"en": "b", "s": 2}\n')
    scores = read_all(Jsonl(tmp_path / "a.jsonl", {"en": "en"}, score="s")).scores
    assert math.isnan(scores[0])
    assert scores[1] == 2
