"""WMT's old test sets, as they were published: no XML, and nothing of their text is lost."""

from __future__ import annotations

from collections import Counter
from html import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.readers.wmt_sgm import BESIDE, NO_END, NO_START, WmtSgm
from mtdeep.errors import UserError

SOURCE = """<srcset setid="newstest2014" srclang="any">
<doc sysid="source" docid="bbc.1" genre="news" origlang="en">
<hl>
<seg id="1"> Q&A: 5 < 6 &amp; 7 &gt; 6, &euro; &#8364; </seg>
</hl>
<p>
<seg id="2">It's <b>bold</b>.</seg>
</p>
</doc>
<DOC docid='bbc.2'><seg id=1>Again.</seg></DOC>
</srcset>
"""
REFERENCE = """<refset setid="newstest2014" srclang="any" trglang="de">
<doc docid="bbc.2" sysid="ref"><SEG ID="1">Noch einmal.</SEG></doc>
<doc sysid="ref" docid="bbc.1"><p><seg id="1">Fragen</seg></p></doc>
<doc sysid="ref2" docid="bbc.1"><p><seg id="1">Andere Fragen</seg></p></doc>
</refset>
"""


def doc(*segments: str) -> str:
    return f'<refset><doc docid="d">{"".join(segments)}</doc></refset>'


def test_files_are_aligned_by_document_and_segment(read_all, write) -> None:
    found = read_all(WmtSgm({"en": write("a.en.sgm", SOURCE), "de": write("a.de.sgm", REFERENCE)}))
    assert found.columns == {
        "en": ["Q&A: 5 < 6 & 7 > 6, &euro; €", "It's <b>bold</b>.", "Again."],
        "de": ["Fragen", "", "Noch einmal."],
    }
    assert found.ids == ["bbc.1:1", "bbc.1:2", "bbc.2:1"]
    assert found.counts == {"a segment's id again in one document": 1}


def test_text_outside_segments_is_counted(read_all, write) -> None:
    texts = {
        "no": SOURCE.replace("<hl>", "<!-- a > b -->\n<hl>"),
        "in a paragraph": SOURCE.replace("<p>", "<p>loose"),
        "between documents": SOURCE.replace("</doc>", "</doc> loose"),
        "behind all": SOURCE + "loose",
    }
    counts = {name: read_all(WmtSgm({"en": write("a.sgm", text)})).counts for name, text in texts.items()}
    assert counts == {name: Counter({BESIDE: 1} if name != "no" else {}) for name in texts}


@pytest.mark.parametrize(
    ("german", "rows", "rejected"),
    [
        (doc('<seg id="1">eins', '<seg id="2">zwei</seg>'), [("two", "zwei")], {NO_END: 1}),
        (doc('<seg id="1>eins</seg>', '<seg id="2">zwei</seg>'), [("one", ""), ("two", "zwei")], {NO_START: 1}),
        (doc('<seg id="1">1</seg>', '<seg id="2">\xff</seg>').encode("latin-1"), [("one", "1")], {"invalid UTF-8": 1}),
        (doc('<seg id="1">e\0</seg>', '<seg id="2">zwei</seg>'), [("two", "zwei")], {"NUL character": 1}),
        (doc('<seg id="2">&#55296;</seg>', '<seg id="1">&#x110000;</seg>'), [("one", "&#x110000;")],
         {"lone surrogate": 1}),
    ],
)  # fmt: skip
def test_a_damaged_segment_costs_its_row(read_all, write, german: str | bytes, rows: list, rejected: dict) -> None:
    english = write("a.en", doc('<seg id="1">one</seg>', '<seg id="2">two</seg>'))
    found = read_all(WmtSgm({"en": english, "de": write("a.de", german)}))
    assert (found.rows, found.reasons) == (rows, rejected)


def test_in_three_languages_it_is_a_gap(read_all, write) -> None:
    files = {code: write(code, doc(f'<seg id="1">{code}</seg>')) for code in ("en", "de")}
    found = read_all(WmtSgm({**files, "fr": write("fr", doc('<seg id="1">fr', '<seg id="2">deux</seg>'))}))
    assert found.rows == [("en", "de", ""), ("", "", "deux")]
    assert (found.gaps, found.counts) == ({"fr": {NO_END: 1}}, {})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("<srcset></srcset>", "a: no <seg> in it; give an SGML file of WMT's"),
        ('<srcset><doc docid="d">\n<seg id="7">one', "a:2: breaks off behind segment 7 of document d; fetch the file"),
        ('<srcset><doc docid="d">\n<seg id="7">one</seg>', "a:2: breaks off behind segment 7 of document d; fetch"),
    ],
)
def test_what_cannot_be_trusted_is_told(read_all, write, content: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_all(WmtSgm({"en": write("a", content)}))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1))
def test_text_that_was_escaped_comes_back(texts: list[str], read_all, write) -> None:
    texts = [text for text in texts if text.strip(" ") == text] or ["a"]
    body = doc(*(f'<seg id="{i}">{escape(text)}</seg>' for i, text in enumerate(texts)))
    assert read_all(WmtSgm({"en": write("a.sgm", body)})).columns == {"en": texts}


def test_a_file_with_changed_bytes_is_read_or_refused(read_or_refused) -> None:
    read_or_refused("SGML", SOURCE.encode(), lambda path: WmtSgm({"en": path}))
