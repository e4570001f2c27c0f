from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.readers.wmt_xml import WmtXml
from data_prep.stages.read import read


def side(tag: str, attributes: str, text: str, *names: str) -> str:
    segments = "".join(f'<seg id="{name}">{text} {name}</seg>' for name in names)
    return f"<{tag} {attributes}><p>{segments}</p></{tag}>"


FILE = (
    '<?xml version="1.0" encoding="UTF-8"?><dataset id="t"><collection id="general"><doc origlang="en" id="d">'
    + side("src", 'lang="en"', "source", "1", "2")
    + side("ref", 'lang="de" translator="A"', "A", "1")
    + side("ref", 'lang="de" translator="B"', "B", "1", "2")
    + side("ref", 'lang="zh" translator="A"', "Z", "2")
    + side("hyp", 'system="X" language="de"', "X", "2", "1")
    + "</doc></collection></dataset>"
)


@pytest.mark.parametrize(
    ("options", "german"),
    [({}, ["A 1", ""]), ({"translator": "B"}, ["B 1", "B 2"]), ({"system": "X"}, ["X 1", "X 2"])],
)
def test_a_reference_or_a_system_is_taken(read_all, write, options: dict[str, str], german: list[str]) -> None:
    found = read_all(WmtXml(write("a.xml", FILE), ("en", "de"), **options))
    assert found.columns == {"en": ["source 1", "source 2"], "de": german}
    assert found.ids == ["d:1", "d:2"]
    assert sum(found.counts.values()) == 8 - 2 - sum(map(bool, german))  # every other segment is counted


@pytest.mark.parametrize(
    ("languages", "options", "what"),
    [
        (("en", "de"), {"translator": "C"}, "no text in de by 'C' in it"),
        (("en", "de"), {"system": "Y"}, "no text in de by 'Y' in it"),
        (("en", "fr"), {}, "no text in fr in it"),
    ],
)
def test_who_is_not_there_is_told_with_those_who_are(write, tmp_path: Path, languages, options, what: str) -> None:
    sides = "de (hyp by X), de (ref by A), de (ref by B), en (src), zh (ref by A)"
    nothing = read(tmp_path, WmtXml(write("a.xml", FILE), languages, **options))["nothing"]
    assert nothing == f"{what}, but {sides}; name those, or leave it out"


def test_references_in_several_languages(read_all, write) -> None:
    found = read_all(WmtXml(write("a.xml", FILE), ("zh-Hans", "en", "de")))
    assert found.rows == [("", "source 1", "A 1"), ("Z 2", "source 2", "")]


def test_text_outside_segments_is_counted_and_no_depth_hides_one(read_all, write) -> None:
    deep = FILE.replace("<p>", "<p><s>", 1).replace("</p>", "</s></p>", 1)
    found = read_all(WmtXml(write("a.xml", deep), ("en", "de")))
    assert found.columns == {"en": ["source 1", "source 2"], "de": ["A 1", ""]}
    loose = FILE.replace("<p>", "<p>loose", 1)
    counts = [read_all(WmtXml(write("a.xml", text), ("en", "de"))).counts for text in (FILE, loose)]
    assert counts[1] - counts[0] == {"text beside the <seg>s of a side": 1}


def test_a_document_without_start_is_rejected(read_all, write) -> None:
    start, document = '<doc origlang="en" id="d">', FILE[FILE.index("<doc ") : FILE.index("</collection>")]
    path = write("a.xml", f"<dataset>{document.removeprefix(start)}{document}</dataset>")
    found = read_all(WmtXml(path, ("en", "de")))
    assert (len(found.rows), found.reasons) == (2, {"unit whose start is lost": 1})
