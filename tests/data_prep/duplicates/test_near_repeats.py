"""Near repeats of rows, against a search of all pairs by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from data_prep.duplicates.cells import Cells
from data_prep.duplicates.key import sentence_keys
from data_prep.duplicates.near import SIMILAR, Signatures
from data_prep.duplicates.near_repeats import LEADERS, NearRepeats, Rows
from data_prep.duplicates.repeats import pairs_of

ENGLISH = "The committee said on Tuesday that it would not change the rules of the competition this year at all"
GERMAN = "Der Ausschuss sagte am Dienstag dass er die Regeln des Wettbewerbs in diesem Jahr gar nicht mehr aendern wird"
FRENCH = "Le comite a dit mardi qu il ne changerait pas les regles du concours cette annee quoi qu il arrive encore"
OTHER = "An entirely different sentence about the weather in the north of the country on that very same day"

Lines = tuple[str, ...]


def table(languages: Lines, lines: Sequence[Lines], first: int = 0, rank: int = 0, scores: object = None) -> Rows:
    columns = dict(zip(languages, zip(*lines, strict=True), strict=True))
    keys = np.stack([sentence_keys(column) for column in columns.values()], axis=1)
    return Rows(
        languages,
        keys,
        lambda language: Signatures.of(columns[language], spaced=True),
        first,
        rank,
        None if scores is None else np.array(scores),
    )


def near(folder: Path, tables: Sequence[Rows], memory: str = "64MB", similar: float = SIMILAR) -> list[int]:
    bilingual = {pair for rows in tables for pair in pairs_of(rows.languages, rows.keys)}
    with NearRepeats(folder, memory, similar) as known:
        for rows in tables:
            known.add(rows, bilingual)
        found = known.find()
    assert not list(folder.iterdir())
    assert not np.isin(found.better, found.rows).any()  # what a row is like stays
    return found.rows.tolist()


@pytest.mark.parametrize(
    ("row", "repeats"),
    [
        ((ENGLISH + " indeed", GERMAN), True),
        ((ENGLISH + " indeed", GERMAN + " wohl"), True),
        ((ENGLISH.upper() + "!", GERMAN), True),
        ((ENGLISH, OTHER), False),
        ((ENGLISH.replace("Tuesday", "Monday"), GERMAN), False),  # J = 14 / 20
    ],
)
def test_both_sides_must_be_near(tmp_path: Path, row: Lines, repeats: bool) -> None:
    assert near(tmp_path, [table(("en", "de"), [(ENGLISH, GERMAN), row])]) == ([1] if repeats else [])


def test_a_short_side_must_be_equal(tmp_path: Path) -> None:
    rows = [(ENGLISH, "Kurz."), (ENGLISH + " indeed", "kurz."), (ENGLISH + " indeed", "Kurz und gut.")]
    assert near(tmp_path, [table(("en", "de"), rows)]) == [1]


def test_short_rows_have_no_near_repeats(tmp_path: Path) -> None:
    rows = [("A short one.", "Kurz."), ("A short one", "Kurz.")]
    assert near(tmp_path, [table(("en", "de"), rows)]) == []


def test_directions_and_corpora_are_compared_and_languages_are_not_confused(tmp_path: Path) -> None:
    tables = [
        table(("en", "de"), [(ENGLISH, GERMAN)]),
        table(("de", "en"), [(GERMAN + " wohl", ENGLISH)], 1),
        table(("en", "fr"), [(ENGLISH, GERMAN)], 2),
    ]
    assert near(tmp_path, tables) == [1]


def test_a_pair_goes_when_a_larger_row_has_it_and_no_larger_row_goes_for_a_part(tmp_path: Path) -> None:
    """The pair has the better rank, and goes all the same: it cannot be taken out of the larger row."""
    large = [(ENGLISH, GERMAN, FRENCH), (ENGLISH + " indeed", GERMAN, OTHER), (ENGLISH, GERMAN, FRENCH + " toujours")]
    tables = [
        table(("de", "en"), [(GERMAN + " wohl", ENGLISH)], 0, rank=0),
        table(("en", "de", "fr"), large, 1, rank=1),
    ]
    assert near(tmp_path, tables) == [0, 3]


def test_rows_with_other_gaps_both_stay(tmp_path: Path) -> None:
    """Neither has all the languages of the other; the first has those of the third, which is a pair."""
    rows = [(ENGLISH, GERMAN, FRENCH, ""), (ENGLISH, GERMAN, "", FRENCH), (ENGLISH, GERMAN, "", "")]
    assert near(tmp_path, [table(("en", "de", "fr", "it"), rows)]) == [2]


def test_rank_then_score_then_position_decide(tmp_path: Path) -> None:
    rows = [(f"{ENGLISH} {ending}", GERMAN) for ending in ("", "indeed", "again", "too")]
    assert near(tmp_path, [table(("en", "de"), rows[:2], 0, 1), table(("en", "de"), rows[2:], 2, 0)]) == [0, 1, 3]
    assert near(tmp_path, [table(("en", "de"), rows, 0, 0, [np.nan, 0.1, 0.9, 0.5])]) == [0, 1, 3]


def test_what_goes_has_its_like_among_what_stays(tmp_path: Path) -> None:
    """A chain: each is near the next, the first is not near the last; union-find would leave the first alone."""
    words = ENGLISH.split()
    chain = [" ".join([*words, *(f"more{j}" for j in range(i))]) for i in range(8)]
    assert near(tmp_path, [table(("en", "de"), [(line, GERMAN) for line in chain])]) == greedy(
        [(line, GERMAN) for line in chain], SIMILAR
    )


def greedy(lines: Sequence[Lines], similar: float) -> list[int]:
    """All pairs by hand: a row goes when one before that stays is alike in every column."""
    signatures = [Signatures.of(column, spaced=True) for column in zip(*lines, strict=True)]
    kept: list[int] = []
    for row in range(len(lines)):
        agree = [
            [float((s.values[row] == s.values[other]).mean()) >= similar for s in signatures] for other in kept
        ]
        if not any(map(all, agree)):
            kept.append(row)
    return [row for row in range(len(lines)) if row not in kept]


def made_up(rows: int, seed: int) -> list[Lines]:
    """Sentences of 20 words; half of the rows have one or two words at the end of an earlier row's sides changed."""
    draw = np.random.default_rng(seed)
    lines: list[Lines] = []
    for number in range(rows):
        if number % 2:
            sides = [line.split() for line in lines[draw.integers(number)]]
            for side in sides:
                for _ in range(draw.integers(3)):
                    side[draw.integers(17, 20)] = f"w{draw.integers(1000)}"
        else:
            sides = [[f"w{word}" for word in draw.integers(0, 1000, 20)] for _ in range(2)]
        lines.append((" ".join(sides[0]), " ".join(sides[1])))
    return lines


def test_as_by_hand_whatever_the_order_of_the_chunks_and_the_memory(tmp_path: Path) -> None:
    """At so many near rows a miss of the bands would show; what is kept is alike in the estimate of low bytes too."""
    lines = made_up(240, 1)
    expected = greedy(lines, SIMILAR)
    assert 30 < len(expected) < 120
    parts = [table(("en", "de"), lines[start : start + 60], start) for start in range(0, 240, 60)]
    found = [near(tmp_path, order, memory) for order, memory in
             ((parts, "64MB"), (parts[::-1], "1GB"), ([table(("en", "de"), lines)], "64MB"))]  # fmt: skip
    assert found[0] == found[1] == found[2]
    missed, wrong = set(expected) - set(found[0]), set(found[0]) - set(expected)
    assert len(missed | wrong) <= 4


def test_a_template_is_linear_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 rows of one template share nearly all bands: 124,750 pairs, of which the leaders' are compared."""
    compared = []
    alike = Cells.alike
    monkeypatch.setattr(Cells, "alike", lambda *args: compared.append(len(args[1])) or alike(*args))
    lines = [(f"{ENGLISH} number {i}", f"{GERMAN} Nummer {i}") for i in range(500)]
    assert near(tmp_path, [table(("en", "de"), lines)]) == [*range(1, 500)]
    assert 499 <= sum(compared) <= 500 * 3 * LEADERS


def test_a_stricter_bound_removes_less(tmp_path: Path) -> None:
    lines = made_up(120, 2)
    loose, strict = (set(near(tmp_path, [table(("en", "de"), lines)], similar=bound)) for bound in (0.8, 0.95))
    assert 0 < len(strict) < len(loose)


def test_cells_without_a_key_are_not_compared(tmp_path: Path) -> None:
    """As leaked cells: their text and signature are there, their key is not."""
    rows = table(("en", "de", "fr"), [(ENGLISH, GERMAN, FRENCH), (ENGLISH, GERMAN, FRENCH + " toujours")])
    rows.keys[:, 2] = 0
    rows.keys[1, 1] = 0
    assert near(tmp_path, [rows]) == []


def test_nothing_among_nothing(tmp_path: Path) -> None:
    assert near(tmp_path, []) == []


def test_rows_of_one_language_are_no_repeats(tmp_path: Path) -> None:
    assert near(tmp_path, [table(("en",), [(ENGLISH,), (ENGLISH + " indeed",)])]) == []
