from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from data_prep.readers.xliff import Xliff
from data_prep.readers.xliff_segments import Segment, segments_of

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


def version_1(*units: str, spaces: str = "") -> str:
    return (
        f'<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2" {spaces} version="1.2">'
        f'<file source-language="en" target-language="de"><body>{"".join(units)}</body></file></xliff>'
    )


def version_2(*segments: str) -> str:
    units = "".join(f'<unit id="{i}">{segment}</unit>' for i, segment in enumerate(segments))
    space = "urn:oasis:names:tc:xliff:document:2.0"
    return f'<xliff xmlns="{space}" version="2.1" srcLang="en" trgLang="de"><file id="f">{units}</file></xliff>'


def unit(source: str, target: str, more: str = "", attributes: str = "", state: str = "") -> str:
    """A unit of XLIFF 1.2; sides are texts, or lists of segments as `1:text 2:text`."""
    sides = [re.sub(r"(\d+):([^ <]*)", r'<mrk mtype="seg" mid="\1">\2</mrk>', side) for side in (source, target)]
    segments = f"<seg-source>{sides[0]}</seg-source>" if sides[0] != source else ""
    plain = re.sub(r"\d+:", "", source)
    return (
        f'<trans-unit id="u" {attributes}><source>{plain}</source>{segments}'
        f"<target {state}>{sides[1]}</target>{more}</trans-unit>"
    )


@pytest.mark.parametrize(
    ("source", "target", "rows"),
    [
        ("1:A 2:B 3:C", "2:b", [("A", ""), ("B", "b"), ("C", "")]),
        ("1:A 2:B", "2:b 1:a", [("A", "a"), ("B", "b")]),
        ("1:A 2:B", "1:a 2:", [("A", "a"), ("B", "")]),
        ("1:A", "1:a 2:b", [("A", "a"), ("", "b")]),
        ("1:A 2:B", "", [("A", ""), ("B", "")]),
        ("1:A 2:B", "a b", [("A B", "a b")]),
        ("A B", "a b", [("A B", "a b")]),
        ("1:A 1:B", "1:a 1:b", [("A B", "a b")]),
    ],
)
def test_segments_are_paired_by_their_number(read_all, write, source: str, target: str, rows: list) -> None:
    found = read_all(Xliff(write("a.xlf", version_1(unit(source, target))), "en", "de"))
    assert (found.rows, found.reasons, found.counts) == (rows, {}, {})


@pytest.mark.parametrize(("source", "target"), [("1:A 1:B", "1:b"), ("1:A 2:B", "1:a 1:b"), ("A B", "2:b")])
def test_segments_that_no_number_pairs_are_rejected(read_all, write, source: str, target: str) -> None:
    found = read_all(Xliff(write("a.xlf", version_1(unit(source, target))), "en", "de"))
    assert (found.rows, found.reasons) == ([], {"segments whose numbers do not tell which belong together": 1})


@given(sides=st.tuples(*[st.sets(st.integers(1, 6))] * 2).filter(all))
def test_every_segment_stands_in_one_row_beside_its_own_translation(sides: tuple[set[int], set[int]]) -> None:
    source, target = ("".join(f"{number}:{name}{number} " for number in side) for side, name in zip(sides, "st"))
    element = etree.fromstring(version_1(unit(source, target))).find(".//{*}trans-unit")
    rows = {}
    for segment in segments_of(element, Counter()):
        assert isinstance(segment, Segment) and segment.name not in rows
        rows[segment.name] = tuple("" if side is None else side.text for side in (segment.source, segment.target))
    want = {f"{n}": (f"s{n}" * (n in sides[0]), f"t{n}" * (n in sides[1])) for n in sides[0] | sides[1]}
    assert rows == want


def test_a_segment_within_another_is_its_text(read_all, write) -> None:
    nested = '<mrk mtype="seg" mid="1">{} <g id="1"><mrk mtype="seg" mid="2">{}</mrk></g></mrk>'
    found = read_all(
        Xliff(write("a.xlf", version_1(unit(nested.format("A", "B"), nested.format("a", "b")))), "en", "de")
    )
    assert found.rows == [("A B", "a b")]


def test_text_in_no_segment_is_counted(read_all, write) -> None:
    first = unit("1:A more 2:B", "1:a <g id='1'>2:b</g>")
    path = write("a.xlf", version_1(first, unit("1:A", "1:a <ph id='1'>&lt;br&gt;</ph>")))
    assert read_all(Xliff(path, "en", "de")).counts == {"text beside the segments of a unit": 1}
    segment = "<segment><source>A</source><target>a</target></segment>"
    ignorable = "<ignorable><source>{}</source></ignorable>"
    path = write("b.xlf", version_2(segment + ignorable.format(" "), segment + ignorable.format("(B)")))
    found = read_all(Xliff(path, "en", "de"))
    assert (found.rows, found.counts) == ([("A", "a")] * 2, {"text beside the segments of a unit": 1})


# What XLIFF 1.2 (section 2.3, state and state-qualifier) and 2.1 (4.3.1.27, state) list.
@pytest.mark.parametrize(
    ("state", "is_taken"),
    [
        *((f'state="{state}"', True) for state in "translated final signed-off needs-adaptation x-done".split()),
        ('state="needs-review-adaptation"', True),
        *((f'state="{state}"', False) for state in "new needs-translation needs-l10n needs-review-translation".split()),
        *((f'state-qualifier="{how}"', True) for how in "exact-match id-match leveraged-tm".split()),
        *((f'state-qualifier="rejected-{why}"', False) for why in "grammar inaccurate length spelling".split()),
        *((f'state-qualifier="{how}"', False) for how in "mt-suggestion tm-suggestion fuzzy-match".split()),
        ('state="needs-review-translation" state-qualifier="leveraged-mt"', False),
        ('state="final" state-qualifier="leveraged-mt"', True),
        ('state="translated" state-qualifier="rejected-length"', False),
        ('state="Translated" state-qualifier="Fuzzy-Match"', True),
        ("", True),
    ],
)
def test_drafts_and_rejected_translations_of_version_1(read_all, write, state: str, is_taken: bool) -> None:
    path = write("a.xlf", version_1(unit("A", "a", state=state)))
    found = read_all(Xliff(path, "en", "de"))
    assert found.rows == [("A", "a")] * is_taken
    assert all(reason.startswith("state ") for reason in found.reasons) and len(found.rejected) == 1 - is_taken
    assert read_all(Xliff(path, "en", "de", refused_states=())).rows == [("A", "a")]


@pytest.mark.parametrize(
    ("state", "is_taken"),
    [("initial", False), *((state, True) for state in ("translated", "reviewed", "final", 'final" subState="x:odd'))],
)
def test_drafts_of_version_2(read_all, write, state: str, is_taken: bool) -> None:
    path = write("a.xlf", version_2(f'<segment state="{state}"><source>A</source><target>a</target></segment>'))
    assert read_all(Xliff(path, "en", "de")).rows == [("A", "a")] * is_taken
    odd = read_all(Xliff(path, "en", "de", refused_states=("x:odd",)))
    assert odd.reasons == ({"state x:odd": 1} if "odd" in state else {})


@pytest.mark.parametrize("qualifier", ["fuzzy-match", "leveraged-mt", "mt-suggestion", "tm-suggestion"])
@pytest.mark.parametrize("approved_only", [True, False])
def test_who_approves_has_taken_the_suggestion(read_all, write, qualifier: str, approved_only: bool) -> None:
    state = f'state-qualifier="{qualifier}"'
    confirmed = '<sdl:seg-defs><sdl:seg id="0" conf="ApprovedTranslation"/></sdl:seg-defs>'
    units = [
        unit("A", "a", attributes='approved="yes"', state=state),
        unit("0:B", "0:b", confirmed, state=state),
        unit("C", "c", attributes='approved="yes"', state='state="needs-translation"'),
    ]
    path = write("a.sdlxliff", version_1(*units, spaces=SDL))
    found = read_all(Xliff(path, "en", "de", approved_only=approved_only))
    assert found.rows == [("A", "a"), ("B", "b")]
    assert found.reasons == {"state needs-translation": 1}


SDL = 'xmlns:sdl="http://sdl.com/FileTypes/SdlXliff/1.0"'
LEVELS = "Draft Translated RejectedTranslation ApprovedTranslation RejectedSignOff ApprovedSignOff".split()


def sdlxliff() -> str:
    """A unit with a segment of each of Trados's confirmation levels, and one of none."""
    sides = [" ".join(f"{i}:{letter}{i}" for i in range(len(LEVELS) + 1)) for letter in "Aa"]
    segments = "".join(f'<sdl:seg id="{i}" conf="{level}"/>' for i, level in enumerate(LEVELS))
    more = f'<sdl:seg-defs>{segments}<sdl:seg id="{len(LEVELS)}"/></sdl:seg-defs>'
    return version_1(unit(*sides, more), spaces=SDL)


def test_confirmation_levels_of_trados(read_all, write) -> None:
    path = write("a.sdlxliff", sdlxliff())
    found = read_all(Xliff(path, "en", "de"))
    assert found.rows == [("A1", "a1"), ("A3", "a3"), ("A5", "a5"), ("A6", "a6")]
    assert found.reasons == {f"state {LEVELS[i]}": 1 for i in (0, 2, 4)}
    assert read_all(Xliff(path, "en", "de", approved_only=True)).rows == [("A3", "a3"), ("A5", "a5")]
    assert len(read_all(Xliff(path, "en", "de", refused_states=())).rows) == 7


def test_tracked_changes_of_trados(read_all, write) -> None:
    changed = (
        'a <mrk mtype="x-sdl-deleted" sdl:revid="1">cat</mrk><mrk mtype="x-sdl-added" sdl:revid="2">dog'
        '<mrk mtype="x-sdl-comment" sdl:cid="3">!</mrk></mrk> <mrk mtype="x-sdl-deleted" sdl:revid="4"/>runs'
    )
    path = write("a.sdlxliff", version_1(unit("A", changed), spaces=SDL))
    found = read_all(Xliff(path, "en", "de"))
    assert (found.rows, found.counts) == ([("A", "a dog! runs")], {"deleted text of a tracked change": 1})
    found = read_all(Xliff(path, "en", "de", tracked_changes="reject"))
    assert (found.rows, found.counts) == ([("A", "a cat runs")], {"inserted text of a tracked change": 1})


def test_states_of_memoq_and_phrase(read_all, write) -> None:
    spaces = 'xmlns:mq="MQXliff" xmlns:m="http://www.memsource.com/mxlf/2.0"'
    said = {
        'mq:status="NotStarted"': "NotStarted",
        'mq:status="PartiallyEdited"': "PartiallyEdited",
        'mq:status="Pretranslated"': "Pretranslated",
        'mq:status="Rejected"': "Rejected",
        'mq:status="ManuallyConfirmed"': None,
        'mq:status="Proofread"': None,
        'm:confirmed="0"': "unconfirmed",
        'm:confirmed="false"': "unconfirmed",
        'm:confirmed="1" m:locked="false"': None,
        'm:confirmed="2"': None,
    }
    suggestion = '<alt-trans origin="machine-trans"><target>machine</target></alt-trans>'
    units = [unit("A", "a", suggestion, attributes) for attributes in said]
    found = read_all(Xliff(write("a.xlf", version_1(*units, spaces=spaces)), "en", "de"))
    assert found.rows == [("A", "a")] * 4
    assert found.reasons == Counter(f"state {state}" for state in said.values() if state)


def test_the_language_that_a_side_says_itself(read_all, write) -> None:
    units = [unit("A", "a", state=f'xml:lang="{code}"') for code in ("de-AT", "fr")]
    path = write("a.xlf", version_1(*units).replace(' target-language="de"', ""))
    found = read_all(Xliff(path, "en", "de"))
    assert (found.rows, found.reasons) == ([("A", "a")], {"another target language": 1})


def test_what_is_left_of_units_is_rejected(read_all, write) -> None:
    lost = [unit(f"1:{letter}", "1:a").replace('<trans-unit id="u" >', "") for letter in "AB"]
    path = write("a.xlf", version_1(*lost, unit("C", "c")))
    found = read_all(Xliff(path, "en", "de"))
    assert (found.rows, found.reasons) == ([("C", "c")], {"unit whose start is lost": 2})
    path = write("b.xlf", version_2("<segment><source>A</source></segment>" * 2).replace('<unit id="0">', ""))
    assert read_all(Xliff(path, "en", "de")).reasons == {"unit whose start is lost": 1}
