"""Scores against numbers made elsewhere, and tokenizers."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import pytest

from mtdeep.corpus import Direction
from mtdeep.errors import UserError
from mtdeep.evaluation import BLEU, CHRF, COPY_BLEU
from mtdeep.evaluation.scores import Scorer, check_tokenizer, tokenizer_for


def test_bleu_counted_by_hand() -> None:
    references = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
    hypotheses = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    score = Scorer(references, "13a").score(Direction("de", "en"), references, hypotheses)
    # 13a splits off the full stops: 6 + 4 + 7 tokens against 6 + 5 + 6, so no brevity penalty. Matching n-grams of
    # the three lines: 6 + 2 + 4 of 17; 5 + 0 + 1 of 14; 4 + 0 + 0 of 11; 3 + 0 + 0 of 8.
    assert score.values[BLEU] == pytest.approx(100 * (12 / 17 * 6 / 14 * 4 / 11 * 3 / 8) ** 0.25, abs=1e-9)
    assert score.values[COPY_BLEU] == pytest.approx(100.0)
    assert score.segments == 3
    assert score.bleu_signature.startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")


def test_chrf_counted_by_hand() -> None:
    score = Scorer(["a b"], "13a").score(Direction("de", "en"), ["x"], ["a c"])
    # Characters without spaces: 1 of 2 single ones, 0 of 1 pair; words: 1 of 2 single ones, 0 of 1 pair; no longer
    # n-grams exist. Precision and recall are the same, so F is their mean over the four orders.
    assert score.values[CHRF] == pytest.approx(100 * (1 / 2 + 0 + 1 / 2 + 0) / 4, abs=1e-6)
    assert "|nc:6|nw:2|" in score.chrf_signature


@pytest.mark.parametrize(
    ("language", "tokenizer"),
    [("en", "13a"), ("de", "13a"), ("ko", "13a"), ("zh-Hans", "zh"), ("zh-Hant", "zh"), ("yue", "zh"), ("ja", "char")]
    + [(code, "char") for code in ("th", "lo", "my", "km")],
)
def test_tokenizers(language: str, tokenizer: str) -> None:
    assert tokenizer_for(language) == tokenizer


def test_tokenizer_names() -> None:
    check_tokenizer("13a")
    with pytest.raises(UserError, match="it has"):
        check_tokenizer("13b")


def wmt22() -> Path | None:
    """The folder of WMT22's outputs and official scores: MTDEEP_WMT22, or shared/data/wmt22 beside the checkout."""
    places = [os.environ.get("MTDEEP_WMT22"), Path(__file__).parents[3] / "shared" / "data" / "wmt22"]
    return next((Path(place) for place in places if place and (Path(place) / "automatic-scores.tsv").exists()), None)


@pytest.mark.parametrize(("pair", "target"), [("en-de", "de"), ("en-zh", "zh")])
def test_official_scores_of_wmt22(pair: str, target: str) -> None:
    """Official BLEU within 0.005, the tolerance that the data state; without the data, the tests above must do."""
    folder = wmt22()
    if folder is None:
        pytest.skip("no WMT22 data: MTDEEP_WMT22 names no folder with automatic-scores.tsv")
    scorer = Scorer(lines(folder / pair / f"ref.A.{target}.gz"), tokenizer_for(target))
    with (folder / "automatic-scores.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if (row["pair"], row["metric"]) == (pair, "bleu-A")]
    for row in rows[:3]:
        hypotheses = lines(folder / pair / f"hyp.{row['system']}.{target}.gz")
        found = scorer.score(Direction("en", target), hypotheses, hypotheses)
        assert found.values[BLEU] == pytest.approx(float(row["score"]), abs=0.005), row["system"]
    assert len(rows) > 5


def lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return file.read().removesuffix("\n").split("\n")
