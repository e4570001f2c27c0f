"""Everything that a report says, as plain data for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

import mtdeep
from data_prep.cleaning.settings import RULES
from data_prep.config import Config
from data_prep.pipeline.encoded import EncodedText
from data_prep.report.notes import notes
from data_prep.report.settings import settings_section
from data_prep.report.split import split_section
from data_prep.report.training import length_section, pair_matrix, sampling_section, token_section, training_sizes
from mtdeep.corpus.manifest import CorpusRecord, totals
from mtdeep.corpus.vocabulary import Vocabulary

FORMAT, VERSION = "mtdeep-report", 1


def gathered(
    found: Sequence[EncodedText],
    records: Sequence[CorpusRecord],
    vocabulary: Vocabulary,
    config: Config,
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the report of a store: *records* and *provenance* are what its manifest will say of the texts *found*."""
    matrix = pair_matrix(records, vocabulary.languages)
    sizes = training_sizes(found, vocabulary.languages)
    splits = [
        split_section(encoded, record, config.cleaning) for encoded, record in zip(found, records, strict=True)
    ]
    return {
        "format": FORMAT,
        "version": VERSION,
        "totals": {"rows_read": _rows_read(found), **_totals(records, vocabulary, matrix, provenance)},
        "notes": list(notes(records, provenance)),
        "splits": splits,
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
            "files": [{"input": name, **file} for name, file in provenance["inputs"].items()],
            "settings": settings_section(config),
            "versions": {"mtdeep": mtdeep.__version__, **provenance["versions"], "matplotlib": version("matplotlib")},
        },
    }


def _rows_read(found: Sequence[EncodedText]) -> int:
    """Return the rows of all sources; those of a held-out split were read for training."""
    read = (encoded.text for encoded in found if encoded.text.split not in encoded.text.corpus.holdout)
    return sum(text.ledger.account().rows.read for text in read)


def _totals(
    records: Sequence[CorpusRecord], vocabulary: Vocabulary, matrix: np.ndarray, provenance: Mapping[str, Any]
) -> dict[str, int]:
    """Return the sums over all splits; directions are those of training. Bytes are those of files, tokens and text."""
    counts = totals(tuple(records))
    files = {file["xxh3_128"]: file["bytes"] for file in provenance["inputs"].values()}
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
