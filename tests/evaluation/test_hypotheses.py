"""The file of translations survives kills and keeps runs apart."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mtdeep.corpus import Direction
from mtdeep.evaluation.hypotheses import HypothesisFile, run_digest

EN_DE, ZH_EN = Direction("en", "de"), Direction("zh-Hans", "en")
TEXTS = ["Zwei Männer\tim Freien", 'ein "Wort"', "", "行\u2028と\x85行", "\ud7ff 😀"]


def write(path: Path, run: str, count: int = 3) -> None:
    with HypothesisFile(path, run) as file:
        for i in range(count):
            file.append(EN_DE, [i, i + 10], [f"{run} {i}", TEXTS[i % 5]], [-0.5, -1 / 3])
        file.append(ZH_EN, [0], [TEXTS[3]], [0.0])
        file.sync()


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "hypotheses.jsonl"
    assert HypothesisFile(path, "a").read() == {}
    write(path, "a")
    write(path, "b", count=1)
    found = HypothesisFile(path, "a").read()
    assert found[EN_DE] == {0: "a 0", 1: "a 1", 2: "a 2", 10: TEXTS[0], 11: TEXTS[1], 12: TEXTS[2]}
    assert found[ZH_EN] == {0: TEXTS[3]}
    assert HypothesisFile(path, "b").read()[EN_DE] == {0: "b 0", 10: TEXTS[0]}
    assert HypothesisFile(path, "c").read() == {}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 700), st.booleans())
def test_a_cut_line_is_passed_over_and_closed(tmp_path_factory, cut: int, flip: bool) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("hypotheses") / "hypotheses.jsonl"
    write(path, "a")
    whole = path.read_bytes()
    kept = whole[:cut]
    if flip and kept:  # a byte that the disk got wrong
        kept = kept[:-1] + bytes([kept[-1] ^ 1])
    path.write_bytes(kept)
    before = HypothesisFile(path, "a").read()
    expected = HypothesisFile(path, "a")
    path.write_bytes(whole)
    everything = expected.read()
    for direction, texts in before.items():
        assert texts.items() <= everything[direction].items()
    path.write_bytes(kept)
    write(path, "b")
    assert path.read_bytes().startswith(kept)
    assert HypothesisFile(path, "a").read() == before
    assert len(HypothesisFile(path, "b").read()[EN_DE]) == 6


def test_digest_depends_on_every_setting_but_not_on_their_order() -> None:
    assert run_digest({"a": 1, "b": "x"}) == run_digest({"b": "x", "a": 1})
    assert len({run_digest(s) for s in ({"a": 1}, {"a": 2}, {"b": 1}, {"a": "1"})}) == 4
