"""How long a language's sentences are beside English ones: factors that make lengths comparable.

`length_factors.tsv` was made by `scripts/length_factors.py`, which names the texts and their licences; it holds
numbers only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from statistics import median

from mtdeep.languages import script


def length_factors(columns: Mapping[str, Sequence[str]], reference: str) -> dict[str, tuple[float, int]]:
    """Return language -> (factor, rows): the median of len(reference) / len(sentence) over the rows that have both.

    columns: language -> sentences, row by row, the empty string for a gap. The median, because a few rows that are
    shifted or cut do not move it. Languages that share no row with the reference are left out.
    """
    found = {}
    for language, column in columns.items():
        ratios = [len(theirs) / len(ours) for theirs, ours in zip(columns[reference], column) if theirs and ours]
        if ratios:
            found[language] = median(ratios), len(ratios)
    return found


@cache
def factor_of(language: str) -> float:
    """Return the factor of a canonical code: the table's, or the median of the languages in the same script, or 1."""
    table = _table()
    if language in table:
        return table[language]
    same = [factor for other, factor in table.items() if script(other) == script(language)]
    return median(same) if same else 1.0


@cache
def _table() -> dict[str, float]:
    lines = (files(__package__) / "length_factors.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {language: float(factor) for language, factor, *_ in rows}
