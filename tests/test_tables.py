"""Tables for people: what they look like where there is little room."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mtdeep.tables import WIDTH_OF_A_LOG, Cell, console, fits, short, table_of


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0"), (987, "987"), (1000, "1.0k"), (1249, "1.2k"), (9_949, "9.9k"), (9_951, "10k"), (31_400, "31k"),
     (999_999, "1.0M"), (4_540_000, "4.5M"), (310_000_000, "310M"), (7_100_000_000, "7.1G")],
)  # fmt: skip
def test_short_counts(count: int, said: str) -> None:
    assert short(count) == said


@given(st.integers(0, 10**15 - 10**13))
def test_short_counts_are_near_and_short(count: int) -> None:
    said = short(count)
    assert len(said) <= 4
    factor = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}.get(said[-1], 1)
    # Two digits: half a unit of the second, which is at most five per cent.
    assert float(said.rstrip("kMGT")) * factor == pytest.approx(count, rel=0.0501)


def printed(rows: list[list[Cell]], headers: list[str], width: int) -> list[str]:
    """The lines of a table, without those of its frame's top and bottom."""
    out = io.StringIO()
    Console(file=out, width=width).print(table_of("title", headers, rows, width))
    lines = out.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    return lines


HEADERS = ["corpus", "split", "sentences", "directions"]


def test_a_table_with_room_has_everything_in_full() -> None:
    lines = printed([["news commentary", "train", 1_234_567, 12]], HEADERS, 80)
    assert "│ news commentary │ train │ 1,234,567 │         12 │" in lines


LONG: list[Cell] = ["a-corpus-with-a-long-name", "test_set_number_11", 1_234_567_890, 7_482]


def test_names_are_folded_first_then_the_frame_goes_then_counts_are_short_then_headers_are_folded() -> None:
    folded, bare, shortened, narrow = ("\n".join(printed([LONG, LONG], HEADERS, width)) for width in (60, 52, 47, 40))
    for shown in (folded, bare):
        assert "1,234,567,890" in shown and "7,482" in shown and "directions" in shown
    assert "│" in folded and "│" not in bare
    for shown in (shortened, narrow):
        assert "1.2G" in shown and "7.5k" in shown
    assert "directions" in shortened and "directions" not in narrow


def test_an_empty_table() -> None:
    assert fits(HEADERS, [], 80) and printed([], HEADERS, 80)


def test_a_log_has_one_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "33")
    assert console(io.StringIO()).width == WIDTH_OF_A_LOG


@given(
    st.lists(st.tuples(st.text("abc-", min_size=1), *[st.integers(0, 10**12)] * 6), min_size=1, max_size=5),
    st.integers(60, 160),
)
def test_no_count_is_ever_cut(rows: list[tuple[Cell, ...]], width: int) -> None:
    lines = printed([list(row) for row in rows], ["name", *(f"header{i}" for i in range(6))], width)
    assert not any("…" in line for line in lines)
    words = {word for line in lines for word in line.replace("│", " ").split()}
    for row in rows:
        for count in row[1:]:
            assert isinstance(count, int)
            assert f"{count:,}" in words or short(count) in words
