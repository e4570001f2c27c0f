"""Everything that a report says, as plain data for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

import mtdeep
from data_prep.cleaning.settings import RULES
from data_prep.config import Config
from data_prep.report.notes import notes
from data_prep.report.settings import settings_section
from data_prep.report.training import length_section, pair_matrix, sampling_section, token_section, training_sizes
from mtdeep.corpus.manifest import CorpusRecord, totals
from mtdeep.corpus.vocabulary import Vocabulary

FORMAT, VERSION = "mtdeep-report", 1


def gathered(
    sections: Sequence[Mapping[str, Any]],
    records: Sequence[CorpusRecord],
    vocabulary: Vocabulary,
    config: Config,
    provenance: Mapping[str, Any],
    grown: int = 0,
) -> dict[str, Any]:
    """Return the report of a store, which has *grown* so many times.

    *sections* are those of its splits (`split`), *records* what its manifest says of them, in the same order, and
    *provenance* what the steps that made it say together (`identity.together`).
    """
    matrix = pair_matrix(records, vocabulary.languages)
    sizes = training_sizes(sections, vocabulary.languages)
    return {
        "format": FORMAT,
        "version": VERSION,
        "grown": grown,
        "totals": {"rows_read": _rows_read(sections), **_totals(records, vocabulary, matrix, provenance)},
        "notes": list(notes(sections, provenance)),
        "splits": list(sections),
        "rules": {name: list(rule.edges) for name, rule in RULES.items()},
        "pairs": {"languages": list(vocabulary.languages), "matrix": matrix.tolist()},
        "lengths": length_section(sizes),
        "vocabulary": {
            "size": len(vocabulary),
            "pieces": len(vocabulary.pieces),
            "digest": vocabulary.digest,
            "languages": token_section(sizes),
        },
        "leakage": {"policy": config.leakage, "in_training_text": provenance["in_training_text"]},
        "sampling": sampling_section(matrix, vocabulary.languages),
        "card": {
            "corpora": _corpora(records),
            "files": provenance["inputs"],
            "settings": settings_section(config),
            "versions": {"mtdeep": mtdeep.__version__, **provenance["versions"], "matplotlib": version("matplotlib")},
        },
    }


def _rows_read(sections: Sequence[Mapping[str, Any]]) -> int:
    """Return the rows of all sources; those of a held-out split, which has none, were read for training."""
    return sum(section["rows"]["read"] for section in sections if section["sources"])


def _totals(
    records: Sequence[CorpusRecord], vocabulary: Vocabulary, matrix: np.ndarray, provenance: Mapping[str, Any]
) -> dict[str, int]:
    """Return the sums over all splits; directions are those of training. Bytes are those of files, tokens and text."""
    counts = totals(tuple(records))
    files = {file["xxh3_128"]: file["bytes"] for file in provenance["inputs"]}
    return {
        "languages": len(vocabulary.languages),
        "corpora": len({record.name for record in records}),
        "splits": len({record.split for record in records}),
        "rows": sum(record.rows for record in records),
        "sentences": counts["sentences"],
        "tokens": counts["tokens"],
        "directions": int(np.count_nonzero(matrix)),
        "bytes_of_inputs": sum(files.values()),
        "bytes_of_tokens": counts["tokens"] * vocabulary.token_dtype.itemsize,
        "bytes_of_text": sum(column.units for record in records for column in record.columns if column.kind == "text"),
    }


def _corpora(records: Sequence[CorpusRecord]) -> list[dict[str, Any]]:
    """Return, for each split of a corpus, where it comes from and how much of it there is."""
    return [
        {
            "corpus": record.name,
            "split": record.split,
            **{key: record.provenance.get(key) for key in ("reader", "origin", "licence", "url", "ids", "citations")},
            "languages": [column.language for column in record.columns if column.kind == "tokens"],
            "rows": record.rows,
            "sentences": sum(column.sentences for column in record.columns if column.kind == "tokens"),
            "tokens": sum(column.units for column in record.columns if column.kind == "tokens"),
        }
        for record in records
    ]
