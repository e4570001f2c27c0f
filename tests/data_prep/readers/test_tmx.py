from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.readers.jsonl import Jsonl
from data_prep.readers.tmx import Tmx
from data_prep.stages.read import read

INLINE = (
    'Click <ph x="1">{b}</ph> here <hi>to <bpt i="1">&lt;i&gt;</bpt>go<ept i="1">&lt;/i&gt;</ept> on</hi><it>|</it>, '
    "<ut>u</ut>&amp; <![CDATA[<raw>]]><!-- no --> end"
)


def unit(attributes: str = "", **texts: str | list[str]) -> str:
    variants = [
        f'<tuv xml:lang="{code.replace("_", "-")}"><seg>{text}</seg></tuv>'
        for code, given in texts.items()
        for text in ([given] if isinstance(given, str) else given)
    ]
    return f"<tu {attributes}>{''.join(variants)}</tu>\n"


def memory(*units: str) -> str:
    head = '<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4"><header srclang="en"/><body>'
    return head + "".join(units) + "</body></tmx>"


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        ("drop", "Click  here to go on, & <raw> end"),
        ("space", "Click   here to  go  on ,  & <raw> end"),
        ("keep", "Click {b} here to <i>go</i> on|, u& <raw> end"),
    ],
)
def test_text_in_and_after_inline_elements_is_kept(read_all, write, codes: str, text: str) -> None:
    path = write("a.tmx", memory(unit(en=INLINE, de="x")))
    assert read_all(Tmx(path, ("en", "de"), codes=codes)).rows == [(text, "x")]


def test_a_language_that_is_not_there_is_told_with_those_that_are(write, tmp_path: Path) -> None:
    path = write("a.tmx", memory(unit(en="one", de_DE="eins")))
    why = "no text in fr in it, but in de-DE, en; name those, or leave it out"
    assert read(tmp_path, Tmx(path, ("en", "fr")))["nothing"] == why
    keys = {"en": "translation.en", "de": "translation.deu"}
    other = Jsonl(write("a.jsonl", '{"translation": {"en": "x"}}'), keys)
    assert read(tmp_path, other)["nothing"] == "no row has a text in 'translation.deu' (de); name another"


def test_several_texts_of_a_language(read_all, write) -> None:
    path = write("a.tmx", memory(unit('tuid="7"', en_US="color", en_GB="colour", de=["a", "b", "c"], fr="d")))
    asked = ("en", "de")
    every = read_all(Tmx(path, asked))
    assert every.rows == [("color", "a"), ("colour", "b"), ("color", "c")]
    assert every.ids == ["7"] * 3
    first = read_all(Tmx(path, asked, variants="first"))
    assert first.rows == [("color", "a")]
    assert first.counts == {"further text of a language in one unit": 3, "text in a language not asked for": 1}


def test_languages_are_those_that_the_spelling_means(read_all, write) -> None:
    texts = {"EN": "1", "pt_BR": "2", "sr_Latn_RS": "3", "deu": "4", "zh_CN": "5", "x": "6", "": "7"}
    path = write("a.tmx", memory(unit(**texts)))
    found = read_all(Tmx(path, ("en", "pt", "sr", "de", "zh-Hans", "pt-BR")))
    # Brazilian Portuguese was asked for by its own name; Serbian in Latin letters is not Serbian in Cyrillic ones.
    assert found.rows == [("1", "", "", "4", "5", "2")]
    assert found.counts == {"text in a language not asked for": 3}


def test_older_attributes_and_prefixes(read_all, write) -> None:
    path = write("a.tmx", '<x:tmx xmlns:x="urn:x"><x:tu><x:tuv lang="en"><x:seg>a</x:seg></x:tuv></x:tu></x:tmx >\n')
    assert read_all(Tmx(path, ("en",))).rows == [("a",)]


def test_a_damaged_unit_is_found_again(read_all, write) -> None:
    path = write("a.tmx", memory("\n", unit(en="a"), unit(en="b < c"), unit(en="d")))
    found = read_all(Tmx(path, ("en",)))
    assert found.rows == [("a",), ("d",)]
    assert [r.place for r in found.rejected] == ["line 5: StartTag: invalid element name"]
    assert found.rejected[0].excerpt == unit(en="b < c").strip()


def test_what_is_left_of_a_unit_without_start_is_rejected_once(read_all, write) -> None:
    lost = [unit(en=text, de=text.upper()).removeprefix("<tu >") for text in "bc"]
    units = [unit(en="a"), lost[0], lost[1], unit(en="d"), lost[0].replace("</tu>", ""), unit(en="e")]
    found = read_all(Tmx(write("a.tmx", memory(*units)), ("en", "de")))
    assert found.rows == [("a", ""), ("d", ""), ("e", "")]
    assert found.reasons == {"unit whose start is lost": 3}
    assert [rejected.place for rejected in found.rejected] == ["line 4", "line 5", "line 7"]
    assert "b</seg>" in found.rejected[0].excerpt
    every = read_all(Tmx(write("b.tmx", memory(*lost).replace("</tu>", "")), ("en", "de")))
    assert (every.rows, every.reasons) == ([], {"unit whose start is lost": 1})


def test_what_is_left_of_a_long_unit_is_not_rejected_again(read_all, write) -> None:
    units = [unit(en="a"), unit(en="b" * 10_000, de="b"), unit(en="c")]
    found = read_all(Tmx(write("a.tmx", memory(*units)), ("en",), longest=1000))
    assert (found.rows, found.reasons) == ([("a",), ("c",)], {"longer than 1,000": 1})


def test_parts_in_a_comment_are_not_left_of_anything(read_all, write) -> None:
    path = write("a.tmx", memory(f"<!-- {unit(en='x').removeprefix('<tu >')} -->", unit(en="a")))
    found = read_all(Tmx(path, ("en",)))
    assert (found.rows, found.reasons) == ([("a",)], {})


def test_text_without_seg_is_told_as_such(read_all, write) -> None:
    bare = '<tuv xml:lang="{}">x</tuv>'
    units = (
        f"<tu>{bare.format('en')}{bare.format('de')}</tu>",
        unit(en="a").replace("</tu>", bare.format("de") + "</tu>"),
    )
    found = read_all(Tmx(write("a.tmx", memory(*units)), ("en", "de")))
    assert (found.rows, found.reasons) == ([("a", "")], {"no <seg> in a <tuv>": 1})
    assert (found.gaps, found.counts) == ({"de": {"no <seg> in a <tuv>": 1}}, {})
    loose = unit(en="a", de="b").replace("</seg></tuv>", "</seg>loose</tuv>").replace("<tuv", "<note>n</note><tuv")
    found = read_all(Tmx(write("b.tmx", memory(loose)), ("en", "de")))
    assert (found.rows, found.counts) == ([("a", "b")], {"text beside the <seg>s of a unit": 1})


def test_text_in_a_code_is_counted(read_all, write) -> None:
    path = write("a.tmx", memory(unit(en='Click <ph>&lt;img alt="<sub>a picture</sub>"&gt;</ph>')))
    assert read_all(Tmx(path, ("en",))).counts == {"text inside a formatting code (<sub>)": 1}
    assert not read_all(Tmx(path, ("en",), codes="keep")).counts


def test_drafts_of_trados_are_left_out_unless_asked_for(read_all, write) -> None:
    levels = ("Draft", "Translated", "RejectedTranslation", "ApprovedSignOff")
    units = [unit(en=x).replace("<tuv", f'<prop type="x-ConfirmationLevel">{x}</prop><tuv') for x in levels]
    path = write("a.tmx", memory(*units))
    found = read_all(Tmx(path, ("en",)))
    assert found.rows == [("Translated",), ("ApprovedSignOff",)]
    assert found.reasons == {"state Draft": 1, "state RejectedTranslation": 1}
    assert len(read_all(Tmx(path, ("en",), refused_states=())).rows) == 4


def test_files_one_behind_the_other(read_all, write) -> None:
    path = write("a.tmx", memory(unit(en="a")) + memory(unit(en="b")))
    assert read_all(Tmx(path, ("en",))).rows == [("a",), ("b",)]


def test_the_bound_of_a_unit_is_a_choice(read_all, write) -> None:
    units = [unit(en="a" * length) for length in (10, 100, 10)]
    found = read_all(Tmx(write("a.tmx", memory(*units)), ("en",), longest=len(units[0])))
    assert found.rows == [("a" * 10,)] * 2
    assert found.reasons == {f"longer than {len(units[0])}": 1}
