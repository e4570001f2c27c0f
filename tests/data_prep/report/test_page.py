"""The page needs nothing else, says what the manifest says, and nothing that stands in a corpus acts in it."""

from __future__ import annotations

import copy
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from data_prep.report.page import DETAILED, EXAMPLES, page
from mtdeep.corpus.store import Store

VOID = {"meta", "img", "br", "link", "hr", "input"}
PNG = b"\x89PNG"


class Page(HTMLParser):
    """Checks that elements nest and that rows are as wide as their tables' heads; keeps what the page shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.ids: dict[str, str] = {}
        self.texts: list[str] = []
        self._cells = self._width = 0
        self._id: str | None = None
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        assert len(found) == len(attributes)
        self.elements.append((tag, found))
        self._id = found.get("id")
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._width = 0
        if tag == "tr":
            self._cells = 0
        if tag in ("th", "td"):
            assert self.open[-2] == "tr"
            self._cells += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "tr":
            self._width = self._width or self._cells
            assert self._cells == self._width

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._id:
            self.ids[self._id] = data
            self._id = None

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


@pytest.fixture(scope="module")
def html(store: Store) -> str:
    return (store.path / "report" / "index.html").read_text(encoding="utf-8")


def test_it_is_well_formed_and_needs_nothing_else(html: str) -> None:
    found = Page(html)
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "link", "iframe", "object", "form"}
    sources = [attributes["src"] for tag, attributes in found.elements if "src" in attributes]
    assert len(sources) == 2 and all(source and source.startswith("data:image/png;base64,") for source in sources)
    names = {name for _, attributes in found.elements for name in attributes}
    assert names <= {"lang", "charset", "http-equiv", "content", "name", "class", "id", "open", "src", "alt", "style",
                     "title", "dir", "href", "rel"}  # fmt: skip
    assert "url(" not in html.split("<body>")[0]


def test_its_totals_are_the_manifests(html: str, store: Store) -> None:
    found = Page(html)
    records = store.manifest.corpora
    columns = [column for record in records for column in record.columns if column.kind == "tokens"]
    assert found.ids["total-sentences"] == f"{sum(column.sentences for column in columns):,}"
    assert found.ids["total-tokens"] == f"{sum(column.units for column in columns):,}"
    assert found.ids["total-rows"] == f"{sum(record.rows for record in records):,}"
    assert found.ids["total-languages"] == f"{len(store.languages)}"


def test_hostile_text_is_shown_and_does_nothing(html: str) -> None:
    found = Page(html)
    assert "<script>alert(1)</script></td></table><h1>out" in found.text
    assert "mined <b>|x|</b> *y*" in found.text and "<img src=x onerror=alert(1)>" in found.text
    assert sum(tag == "h1" for tag, _ in found.elements) == 1
    assert "drow[U+202E] word [U+2066]and more" in found.text
    assert "the bell [U+0007]" in found.text and "too[U+0009]many[U+0009]columns <i>" in found.text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", html)
    assert "A" * 300 in html and "A" * 301 not in html


def test_whatever_stands_in_the_json_is_shown_as_text(report: dict[str, Any]) -> None:
    """Every string of the report, and every key that a corpus can decide, is replaced by one that means harm."""
    harm = "\"'><script>x</script>{{ 7 * 7 }}&amp;\u202e\n" + "w" * 400
    hostile = copy.deepcopy(report)
    hostile["notes"].append(harm)
    for split in hostile["splits"]:
        split["corpus"] = split["split"] = harm
        for source in split["sources"]:
            source["aside"] = {harm: 3}
            source["rejected"][harm] = 1
            source["rejected_texts"] = {harm: {harm: 2}}
            source["samples"][harm] = [{"place": harm, "excerpt": harm}]
        for record in split["cleaning"]["languages"].values():
            for samples in record["samples"].values():
                samples[:] = [{"row": 1, "text": harm, "score": None, "beside": {"en": harm}}]
        for languages in split["samples"].values():
            for language in languages:
                languages[language] = [{"row": 1, "text": harm, "score": 1.0, "beside": {harm: harm}}]
    for corpus in hostile["card"]["corpora"]:
        corpus.update(corpus=harm, licence=harm, url=harm, reader=harm)
    for file in hostile["card"]["files"]:
        file["file"] = harm
    found = Page(page(hostile, PNG, PNG))
    assert not {tag for tag, _ in found.elements} & {"script"}
    assert {len(attributes) <= 3 for _, attributes in found.elements} == {True}
    assert "49" not in found.text.split("Worth a look")[1].split("Where")[0]
    assert "[U+202E][U+000A]" in found.text and "\u202e" not in found.text


def test_leaks_and_repeats_are_shown_beside_what_they_are_like(html: str) -> None:
    text = Page(html).text
    for reason in ("1 stands in a scored split", "2 repeats another row"):
        assert reason in text
    assert "talks, dev: Garden  NUMBER 5 window" in text


def test_samples_are_of_as_many_languages_as_there_are(report: dict[str, Any]) -> None:
    crowded = copy.deepcopy(report)
    split = next(split for split in crowded["splits"] if split["corpus"] == "talks" and split["trained"])
    for language, record in split["cleaning"]["languages"].items():
        split["languages"][language]["rejected"]["words: too many"] = 8
        split["steps"]["words: too many"] = "cleaning"
        record["samples"] = {"words: too many": [
            {"row": n, "text": f"{language} sample {n}", "score": 300.0, "beside": {}} for n in range(8)]}  # fmt: skip
    text = Page(page(crowded, PNG, PNG)).text
    shown = re.findall(r"(\w\w) sample (\d)", text)
    assert len(shown) == EXAMPLES
    assert [language for language, _ in shown] == (["en", "de", "fr"] * 4)[:EXAMPLES]


def test_samples_are_of_different_rows_where_there_are_any(report: dict[str, Any]) -> None:
    alike = copy.deepcopy(report)
    split = next(split for split in alike["splits"] if split["corpus"] == "talks" and split["trained"])
    rows = {"en": (7, 8, 9), "de": (7, 8, 9), "fr": (7,)}
    split["samples"] = {"stands in a scored split": {
        code: [{"row": row, "text": f"{code} sample {row}", "score": 1.0, "beside": {}} for row in of_one]
        for code, of_one in rows.items()}}  # fmt: skip
    shown = re.findall(r"\w\w sample \d", Page(page(alike, PNG, PNG)).text)
    assert shown == [f"{code} sample {row}" for code, row in (
        ("en", 7), ("de", 8), ("fr", 7), ("en", 9), ("de", 7), ("en", 8), ("de", 9))]  # fmt: skip


def test_links_lead_into_the_page_beside_it_or_to_the_web(report: dict[str, Any]) -> None:
    linked = copy.deepcopy(report)
    corpora = linked["card"]["corpora"][:3]
    for corpus, url in zip(corpora, ('HTTPS://a.org/"x', "data:text/html,x", " http://b"), strict=True):
        corpus["url"] = url
    corpora[0]["licence"] = "https://example.org/by"
    linked["card"]["corpora"] = corpora
    found = Page(page(linked, PNG, PNG))
    targets = [attributes["href"] or "" for tag, attributes in found.elements if tag == "a"]
    inside = {target[1:] for target in targets if target.startswith("#")}
    assert {"rows", "pairs", "card", "split-0", "split-1", "split-2"} <= inside <= found.ids.keys()
    outside = {target for target in targets if not target.startswith("#")}
    assert outside == {"report.json", "languages.png", "card.md", 'HTTPS://a.org/"x', "https://example.org/by"}


def test_a_url_that_would_act_is_no_link(html: str) -> None:
    assert "javascript:alert(1)" in html and 'href="javascript' not in html


def test_a_long_note_is_shown_once(report: dict[str, Any]) -> None:
    noted = copy.deepcopy(report)
    long = ", ".join(f"{i} reasons" for i in range(60))
    noted["notes"] = [long, *(f"short {i}" for i in range(14))]
    text = Page(page(noted, PNG, PNG)).text
    assert [text.count(f", {i} reasons") for i in (1, 30, 59)] == [1, 1, 1]
    assert "3 more notes" in text
    noted["notes"] = noted["notes"][:13]
    assert "1 more note\n" in Page(page(noted, PNG, PNG)).text


def test_splits_stand_in_the_order_of_what_they_lost(report: dict[str, Any]) -> None:
    first, second = copy.deepcopy(report), copy.deepcopy(report)
    for found, unread in ((first, 9), (second, 0)):
        split = found["splits"][0]
        split["rows"] = {"read": 10, "kept": 10 - unread, "rejected": {"invalid UTF-8": unread}}
        split["steps"]["invalid UTF-8"] = "reading"
    name = f"{first['splits'][0]['corpus']}, {first['splits'][0]['split']}"
    orders = [re.findall(r'"split">\n<summary>(.*)\n', page(found, PNG, PNG)) for found in (first, second)]
    assert orders[0][0] == name != orders[1][0]
    assert "9 of 10 rows not read (90 %)" in Page(page(first, PNG, PNG)).text


def test_a_store_that_has_grown_says_so(report: dict[str, Any]) -> None:
    assert "has grown" not in page(report, PNG, PNG)
    assert "has grown 2 times" in page({**report, "grown": 2}, PNG, PNG)


def test_of_many_splits_the_largest_are_told_in_full(report: dict[str, Any]) -> None:
    many = copy.deepcopy(report)
    (train,) = (split for split in many["splits"] if split["corpus"] == "talks" and split["trained"])
    nothing = {"settings": [], "languages": {}}
    small = {**train, "rows": {"read": 3, "kept": 3, "rejected": {}}, "languages": {}, "cleaning": nothing}
    many["splits"] = [*({**small, "corpus": f"corpus {i}"} for i in range(DETAILED)), train]
    found = Page(page(many, PNG, PNG))
    details = [attributes for tag, attributes in found.elements if tag == "details" and "class" in attributes]
    assert len(details) == DETAILED
    assert "talks, train" in found.text and f"corpus {DETAILED - 2}, train" in found.text
    assert f"corpus {DETAILED - 1}, train" not in found.text and f"corpus {DETAILED - 1}" in found.text
    assert f"More about the {DETAILED} splits with the most rows" in found.text


def test_monolingual_text_has_no_pairs(report: dict[str, Any]) -> None:
    alone = copy.deepcopy(report)
    alone["totals"]["directions"] = 0
    alone["sampling"] = {"temperatures": [1, 2, 5], "languages": {}, "directions": []}
    text = Page(page(alone, PNG, PNG)).text
    assert "No two languages share a row." in text and "Sampling" not in text
