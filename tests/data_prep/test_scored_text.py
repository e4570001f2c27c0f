"""Sentences that are scored: training text loses them, or the store says where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from preparing import PLAIN, plain, prepare

from data_prep import prepare as preparation
from data_prep.stages.clean import CLEANED, ONE
from data_prep.stages.select import LEFT_BY_LEAKS, SCORED
from mtdeep.errors import UserError

SCORED_TOO = "      test: {en: test.en, de: test.de}\n      dev: {en: dev.en, de: dev.de}\n"


def with_test_sets(folder: Path) -> Path:
    config = plain(folder)
    config.write_text(PLAIN + SCORED_TOO)
    (folder / "manual.en").write_text("press the red button\n\nlift the lid\nclose it\nshut it\n")
    (folder / "manual.de").write_text("roten Knopf\nallein\nDeckel heben\nzu\nzumachen\n", encoding="utf-8")
    (folder / "test.en").write_text("Press  the RED button\npress the red button\nnever seen\n\n")
    (folder / "test.de").write_text("neu\nDeckel heben\nfremd\nallein\n")  # allein: its row was rejected
    (folder / "dev.en").write_text("something else\n")
    (folder / "dev.de").write_text("etwas anderes\n")
    return config


def test_what_is_scored_leaves_training(tmp_path: Path) -> None:
    store = prepare(with_test_sets(tmp_path)).store
    leaked = {"manuals, test": {"en": {"exact": 1}, "de": {"exact": 1}}}
    assert store.manifest.provenance["in_training_text"] == leaked
    record = next(r for r in store.manifest.corpora if (r.name, r.split) == ("manuals", "train"))
    assert record.provenance["account"]["rows"]["rejected"] == {ONE: 1, LEFT_BY_LEAKS: 2}
    assert record.provenance["account"]["languages"]["en"] == {
        "read": 4, "kept": 2, "rejected": {SCORED: 1, LEFT_BY_LEAKS: 1}
    }  # fmt: skip


def test_or_is_merely_reported(tmp_path: Path) -> None:
    config = with_test_sets(tmp_path)
    config.write_text(config.read_text() + "leakage: report\n")
    store = prepare(config).store
    assert store.manifest.provenance["in_training_text"]["manuals, test"] == {"en": {"exact": 1}, "de": {"exact": 1}}
    record = next(r for r in store.manifest.corpora if (r.name, r.split) == ("manuals", "train"))
    assert record.rows == 4


UZBEK = """\
store: store
vocabulary: {size: 40, character_coverage: 1.0}
corpora:
  - {name: web, reader: plain_text, clean: false, splits: {train: {en: web.en, uz: web.uz}}}
"""

UZBEK_TEST = "  - {name: t, reader: plain_text, splits: {valid: {en: t.en, uz-Cyrl: t.uz}}}\n"


def uzbek(folder: Path, *, tested: bool) -> Path:
    """Write a configuration; ten of its test sentences, in uz-Cyrl, stand in training text in uz."""
    for name, first in (("web", 0), ("t", 20)):
        rows = [f"{name} sentence {number}" for number in range(first, first + 30)]
        (folder / f"{name}.en").write_text("".join(f"{line}\n" for line in rows))
        lines = [f"барча одамлар эркин бўлиб туғиладилар {number}" for number in range(first, first + 30)]
        (folder / f"{name}.uz").write_text("".join(f"{line}\n" for line in lines))
    (folder / "config.yaml").write_text(UZBEK + (UZBEK_TEST if tested else ""))
    return folder / "config.yaml"


def test_what_is_scored_in_one_script_leaves_training_text_in_any(tmp_path: Path) -> None:
    store = prepare(uzbek(tmp_path, tested=True)).store
    assert store.manifest.provenance["in_training_text"] == {"t, valid": {"uz": {"exact": 10}}}
    assert [corpus.rows for corpus in store.corpora("train")] == [20]


def test_nor_may_it_stand_in_a_store_that_it_joins(tmp_path: Path) -> None:
    prepare(uzbek(tmp_path, tested=False))
    with pytest.raises(UserError, match=r"stand in the training text that the store has .*\(10 of uz"):
        preparation.prepare(uzbek(tmp_path, tested=True), None, append=True)


def test_the_rules_clean_what_is_trained_on_alone(tmp_path: Path) -> None:
    config = with_test_sets(tmp_path)
    settings = "cleaning: {default: {language: {enabled: false}, words: {max: 3}}}\n"
    manuals = "  - name: manuals\n    reader: plain_text\n"
    config.write_text(settings + config.read_text().replace(f"{manuals}    clean: false", manuals.rstrip()))
    (tmp_path / "manual.en").write_text("close it now\nopen it once again\n")
    (tmp_path / "manual.de").write_text("mach es zu\nmach es auf\n")
    (tmp_path / "dev.en").write_text("something else of five words\n")
    store = prepare(config).store
    rows = {(r.name, r.split): r.provenance["account"]["rows"] for r in store.manifest.corpora}
    assert rows["manuals", "train"] == {"read": 2, "kept": 1, "rejected": {CLEANED: 1}}
    assert rows["manuals", "dev"]["kept"] == 1
