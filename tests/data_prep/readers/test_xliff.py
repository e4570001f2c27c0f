from __future__ import annotations

from data_prep.readers.xliff import Xliff

V1 = """<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2" version="1.2">
<file source-language="en-US" target-language="de" original="f"><body>
  <group translate="no"><trans-unit id="0"><source>brand</source></trans-unit></group>
  <trans-unit id="1" approved="yes"><source>Hi <g id="1">you</g><x id="2"/>!</source><target>Hallo <g id="1">du</g>!\
</target><alt-trans><target>Moin</target></alt-trans></trans-unit>
  <trans-unit id="2"><source>A. B.</source><seg-source><mrk mtype="seg" mid="1">A.</mrk> <mrk mtype="seg" mid="2">B.\
</mrk></seg-source><target state="translated"><mrk mtype="seg" mid="1">C.</mrk> <mrk mtype="seg" mid="2">D.</mrk>\
</target></trans-unit>
  <trans-unit id="3"><source>E. F.</source><seg-source><mrk mtype="seg" mid="1">E.</mrk> <mrk mtype="seg" mid="2">F.\
</mrk></seg-source><target>G.</target></trans-unit>
  <trans-unit id="4"><source>new</source><target state="needs-translation">new</target></trans-unit>
  <trans-unit id="5"><source>todo</source></trans-unit>
</body></file>
<file source-language="en" target-language="fr"><body><trans-unit id="6"><source>x</source></trans-unit></body></file>
</xliff>
"""
V2 = """<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en" trgLang="de"><file id="f">
  <unit id="u"><segment id="s" state="final"><source>Hi <pc id="1">you</pc><cp hex="0007"/><ph id="2"/></source>
  <target>Hallo <mrk id="m">du</mrk></target></segment><ignorable><source> </source></ignorable>
  <segment><source>B</source></segment><segment state="initial"><source>C</source><target>C</target></segment></unit>
  <unit id="v" translate="no"><segment><source>brand</source></segment></unit><unit id="w"><notes/></unit>
</file></xliff>
"""


def test_version_1(read_all, write) -> None:
    found = read_all(Xliff(write("a.xlf", V1), "en", "de"))
    assert dict(zip(found.ids, found.rows, strict=True)) == {
        "1": ("Hi you!", "Hallo du!"),
        "2:1": ("A.", "C."),
        "2:2": ("B.", "D."),
        "3": ("E. F.", "G."),
        "5": ("todo", ""),
    }
    assert found.reasons == {"not to be translated": 1, "state needs-translation": 1, "another target language": 1}
    assert found.rejected[0].place == "line 3: unit 0"


def test_version_2(read_all, write) -> None:
    found = read_all(Xliff(write("a.xlf", V2), "en", "de"))
    assert dict(zip(found.ids, found.rows, strict=True)) == {"u:s": ("Hi you\x07", "Hallo du"), "u": ("B", "")}
    assert found.reasons == {"state initial": 1, "not to be translated": 1, "unit without segment": 1}


def test_only_what_is_approved(read_all, write) -> None:
    assert read_all(Xliff(write("a.xlf", V1), "en", "de", approved_only=True)).ids == ["1"]
    assert read_all(Xliff(write("b.xlf", V2), "en", "de", approved_only=True)).ids == ["u:s"]


def test_states_are_a_choice(read_all, write) -> None:
    assert read_all(Xliff(write("a.xlf", V1), "en", "de", refused_states=("translated",))).ids == ["1", "3", "4", "5"]


def test_codes_are_a_choice(read_all, write) -> None:
    path = write("a.xlf", '<xliff><trans-unit id="1"><source>a<ph id="1">%s</ph>b</source></trans-unit></xliff>')
    texts = {codes: read_all(Xliff(path, "en", "de", codes=codes)).rows[0][0] for codes in ("drop", "space", "keep")}
    assert texts == {"drop": "ab", "space": "a b", "keep": "a%sb"}


def test_a_segment_s_number_that_comes_twice_marks_nothing(read_all, write) -> None:
    path = write("a.xlf", V1.replace('mid="2"', 'mid="1"'))
    rows = read_all(Xliff(path, "en", "de"))
    assert dict(zip(rows.ids, rows.rows, strict=True))["2"] == ("A. B.", "C. D.")
