from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.batch import Batch, Rejected
from data_prep.cleaning.cleaner import ALONE, Cleaner, uncleaned
from data_prep.cleaning.record import SAMPLES, Record, total
from data_prep.cleaning.settings import RULES, CleaningSettings
from mtdeep.languages import resolve

DATA = Path(__file__).parents[4] / "shared/data"
quick = settings(max_examples=25, deadline=None)
ENGLISH = "The committee will meet again on Thursday to discuss the budget."
GERMAN = "Der Ausschuss wird am Donnerstag erneut über den Haushalt beraten."
FRENCH = "La commission se réunira de nouveau jeudi pour discuter du budget."
# Without the identifier, which is slow to load and has its own tests.
SETTINGS = CleaningSettings.model_validate({"default": {"language": False, "length": {"max": 100}}})

cells = st.sampled_from(
    ["", " ", ENGLISH, GERMAN, f"  {FRENCH}\n", "OK", "x" * 101, "Привет, мир", "\ufffd", "5 5", "www.example.org", "…"]
)


def cleaned(columns: Mapping[str, Sequence[str]], given: CleaningSettings = SETTINGS, first: int = 0) -> Record:
    return Cleaner(given, "c", list(columns))(Batch(first, columns)).record


@given(rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12))
@quick
def test_nothing_is_lost(rows: list[tuple[str, ...]]) -> None:
    columns = dict(zip(("en", "de", "fr"), map(list, zip(*rows))))
    done = Cleaner(SETTINGS, "c", list(columns))(Batch(0, columns, ids=[str(i) for i in range(len(rows))]))
    assert done.record.rows_read == len(rows)
    assert done.record.rows_kept == done.batch.rows == len(done.rows)
    assert done.batch.ids == [str(i) for i in done.rows]
    for language, column in columns.items():
        record = done.record.languages[language]
        assert record.read == sum(map(bool, column))
        assert record.read == record.kept + sum(record.rejected.values())
        assert record.kept == sum(map(bool, done.batch.columns[language]))
        assert set(record.samples) == set(record.rejected)
    for row in zip(*done.batch.columns.values()):
        assert sum(map(bool, row)) >= 2


OFF = CleaningSettings.model_validate({"default": {"transforms": [], **dict.fromkeys(RULES, False)}})


@given(rows=st.lists(st.tuples(*[st.sampled_from(["", ENGLISH, GERMAN])] * 3), min_size=1, max_size=12))
@quick
def test_without_rules_rows_of_one_sentence_go_all_the_same(rows: list[tuple[str, ...]]) -> None:
    columns = dict(zip(("en", "de", "fr"), map(list, zip(*rows))))
    batch = Batch(0, columns, ids=[str(i) for i in range(len(rows))])
    done, expected = uncleaned(batch), Cleaner(OFF, "c", list(columns))(batch)
    assert {code: list(column) for code, column in done.batch.columns.items()} == expected.batch.columns
    assert done.rows.tolist() == expected.rows.tolist()
    for language, record in expected.record.languages.items():
        own = done.record.languages[language]
        assert (own.read, own.kept, own.rejected) == (record.read, record.kept, record.rejected)


@given(rows=st.lists(st.tuples(cells, cells), min_size=2, max_size=30), cuts=st.lists(st.integers(1, 29), max_size=3))
@quick
def test_records_of_parts_add_up(rows: list[tuple[str, str]], cuts: list[int]) -> None:
    english, german = map(list, zip(*rows))
    whole = cleaned({"en": english, "de": german})
    bounds = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    parts = [
        cleaned({"en": english[first:behind], "de": german[first:behind]}, first=first)
        for first, behind in pairwise(bounds)
    ]
    assert total(parts) == whole
    assert total(reversed(parts)) == whole
    if len(parts) == 3:
        assert parts[0] + (parts[1] + parts[2]) == (parts[0] + parts[1]) + parts[2]
    assert Record.model_validate_json(whole.model_dump_json()) == whole


def test_a_cell_has_the_first_reason_and_its_row_goes_when_it_is_alone() -> None:
    record = cleaned({"en": [ENGLISH, "x" * 101, ""], "de": [GERMAN, GERMAN, GERMAN]})
    assert record.languages["en"].rejected == {"length: too long": 1}  # nor a long word: one reason a cell
    assert record.languages["de"].rejected == {ALONE: 2}
    (sample,) = record.languages["en"].samples["length: too long"]
    assert (sample.row, sample.score, sample.beside) == (1, 101, {"de": GERMAN})


def test_a_copy_is_shown_beside_what_it_repeats() -> None:
    columns = {"de": [GERMAN], "en": [ENGLISH], "fr": [FRENCH], "cs": [f"{ENGLISH} "]}
    record = cleaned(columns)
    assert {code: one.rejected for code, one in record.languages.items() if one.rejected} == {
        "cs": {"copies: copied": 1}
    }
    (sample,) = record.languages["cs"].samples["copies: copied"]
    assert sample.beside == {"en": ENGLISH}


def test_a_bad_cell_leaves_the_row_to_the_others() -> None:
    columns = {"en": [ENGLISH], "de": ["\ufffd"], "fr": [f" {FRENCH}"]}
    done = Cleaner(SETTINGS, "c", list(columns))(Batch(7, columns, rejected=[Rejected("torn", "line 3")]))
    assert done.batch.columns == {"en": [ENGLISH], "de": [""], "fr": [FRENCH]}
    assert (done.batch.first, done.rows.tolist()) == (7, [0])
    assert done.batch.rejected == [Rejected("torn", "line 3")]


def test_monolingual_text_is_kept() -> None:
    record = cleaned({"en": [ENGLISH, "", "\ufffd"]})
    assert (record.rows_kept, record.languages["en"].read, record.languages["en"].kept) == (1, 2, 1)


def test_what_the_transforms_leave_nothing_of_is_no_silent_gap() -> None:
    switched_off = CleaningSettings.model_validate({"default": {"language": False, "empty": False}})
    record = cleaned({"en": ["  "], "de": [GERMAN], "fr": [FRENCH]}, switched_off).languages["en"]
    assert (record.read, record.kept, record.rejected) == (1, 0, {"empty: nothing to see": 1})


def test_row_rules_do_not_see_what_was_rejected() -> None:
    given_ = CleaningSettings.model_validate({"default": {"language": False, "script": {"min": 0.9}}})
    columns = {"en": [ENGLISH], "de": [GERMAN], "fr": ["Да"]}
    rejected = {code: one.rejected for code, one in cleaned(columns, given_).languages.items()}
    assert rejected == {"en": {}, "de": {}, "fr": {"script: letters of other scripts": 1}}


def test_unchecked_cells_and_histograms() -> None:
    record = cleaned({"en": [ENGLISH, "1 2 3", "\ufffd"], "zh-Hans": ["委员会将再次开会。"] * 3}).languages
    assert record["en"].unchecked["script"] == 1
    assert record["zh-Hans"].unchecked["words"] == 3
    assert sum(record["en"].histograms["length"]) == 2  # what was rejected before is not scored
    assert all(len(bins) == len(RULES[name].edges) + 1 for name, bins in record["en"].histograms.items())
    assert "language" not in record["en"].histograms


def test_samples_are_few_and_distinct() -> None:
    texts = [f"{i} \ufffd" for i in range(40)] * 2
    record = cleaned({"en": texts}).languages["en"]
    samples = record.samples["encoding_damage: broken characters"]
    assert len({sample.text for sample in samples}) == SAMPLES
    assert all(sample.row < 40 for sample in samples)
    reordered = cleaned({"en": texts[::-1]}).languages["en"].samples["encoding_damage: broken characters"]
    assert [sample.text for sample in reordered] == [sample.text for sample in samples]


TRANSLATED = ("deu", "zho-CN", "arb", "hin", "tha", "jpn", "fin", "yor", "khm", "tir", "srp-Latn")


@pytest.mark.skipif(not (DATA / "ntrex128").is_dir(), reason="needs ../shared/data/ntrex128")
@pytest.mark.parametrize("code", TRANSLATED)
def test_human_translations_are_kept(code: str) -> None:
    """Every fourth of 1,997 sentences; docs/cleaning.md has the figures of all of them and of all languages."""
    columns = {}
    for name in ("eng", code):
        with gzip.open(DATA / f"ntrex128/{name}.txt.gz", "rt", encoding="utf-8") as stream:
            columns[resolve(name)] = stream.read().split("\n")[:1997:4]
    record = cleaned(columns, CleaningSettings()).languages[resolve(code)]
    assert record.read - record.kept <= 4, record.rejected


@pytest.mark.skipif(not (DATA / "ntrex128").is_dir(), reason="needs ../shared/data/ntrex128")
def test_shifted_and_wrong_languages_are_rejected() -> None:
    """German beside English beside its neighbour's French: the identifier and the lengths find what is wrong."""
    columns = {}
    for name in ("eng", "deu", "fra"):
        with gzip.open(DATA / f"ntrex128/{name}.txt.gz", "rt", encoding="utf-8") as stream:
            columns[resolve(name)] = stream.read().split("\n")[:300]
    wrong = {"en": columns["en"], "de": columns["fr"], "fr": columns["fr"]}
    record = cleaned(wrong, CleaningSettings()).languages
    assert record["de"].kept < 0.1 * record["de"].read
    assert record["fr"].kept > 0.95 * record["fr"].read
    assert np.sum(record["de"].histograms["language"]) + record["de"].unchecked.get("language", 0) <= 300
