"""Batches of a store: its sentences, other sources of the same direction, and the text of one language."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from mtdeep.corpus import Direction, Store, parse_directions
from mtdeep.errors import UserError
from mtdeep.probe import store_batches, text_batches

BOS, PAD, EOS = 0, 1, 2


@pytest.fixture(scope="module")
def store(write_store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """20 lines of English and German, two of which are French too, and a single one Dutch."""
    random = np.random.default_rng(1)
    lines = [" ".join(random.choice(["one", "two", "three", "four"], size=random.integers(4, 9))) for _ in range(20)]
    columns = {
        "en": lines,
        "de": [line.upper() for line in lines],
        "fr": [*lines[:2], *[""] * 18],
        "nl": ["", "", lines[2], *[""] * 17],
    }
    return write_store(tmp_path_factory.mktemp("probe") / "store", tuple(columns), {("toy", "train"): columns}, 30)


def test_a_stores_batches_hold_its_sentences(store: Store, tiny_config) -> None:
    config = tiny_config(len(store.vocabulary))
    batches = store_batches(store, "train", config, 3, tokens=200, seed=1)
    corpus = store.corpora("train")[0]
    held = {tuple(corpus.sentence(code, row)) for code in store.languages for row in range(corpus.rows)}
    for batch in batches:
        assert batch.source.numel() <= 200 and batch.target.numel() <= 200
        for source, target in zip(batch.source.tolist(), batch.target.tolist(), strict=True):
            for row in (source, target):
                words = [token for token in row if token != PAD]
                assert store.vocabulary.is_tag(words[0]) and words[-1] == EOS and tuple(words[1:-1]) in held
    assert batches[0].source[0].tolist() != batches[1].source[0].tolist()


def words(row) -> list[int]:  # type: ignore[no-untyped-def]
    """The tokens of a row without padding."""
    return [token for token in row.tolist() if token != PAD]


def test_another_source_is_another_sentence_of_the_same_direction(store: Store, tiny_config) -> None:
    """All directions mixed: a sentence's neighbour in the batch may be of another language, its other source is not."""
    corpus, first = store.corpora("train")[0], store.vocabulary.first_tag
    sentences = {code: {tuple(corpus.sentence(code, row)) for row in range(corpus.rows)} for code in store.languages}
    mixed, alone, differences = False, 0, []
    for batch in store_batches(store, "train", tiny_config(len(store.vocabulary)), 6, tokens=300, seed=1):
        tags = [(store.languages[a - first], store.languages[b - first])
                for a, b in zip(batch.source[:, 0].tolist(), batch.target[:, 0].tolist(), strict=True)]  # fmt: skip
        mixed |= any(a[0] != b[0] for a, b in pairwise(tags))
        rows = [number for number, pair in enumerate(tags) if "nl" not in pair]
        assert batch.others is not None and batch.others.rows.tolist() == rows
        alone += len(tags) - len(rows)
        own, other = batch.with_another_source()
        assert torch.equal(own.target, batch.target[rows]) and torch.equal(own.source, batch.source[rows])
        assert torch.equal(other.target, own.target) and torch.equal(other.previous, own.previous)
        for row, mine, found in zip(rows, own.source, other.source, strict=True):
            language, (tag, *sentence, end) = tags[row][0], words(found)
            assert (tag, end) == (mine[0], EOS) and tuple(sentence) in sentences[language]
            assert words(found) != words(mine)
            if "fr" not in tags[row]:
                differences.append(abs(len(words(found)) - len(words(mine))))
    assert mixed and alone
    assert sum(differences) < len(differences)  # of several sentences, the one whose length is most alike


def test_a_direction_of_one_sentence_has_no_other_source(store: Store, tiny_config) -> None:
    chosen = parse_directions("en-nl", store)
    (batch,) = store_batches(
        store, "train", tiny_config(len(store.vocabulary)), 1, tokens=200, seed=1, directions=chosen
    )
    assert batch.with_another_source() is None


def test_other_sources_stay_within_the_models_positions(store: Store, tiny_config) -> None:
    config = tiny_config(len(store.vocabulary), max_source_positions=8)
    for batch in store_batches(store, "train", config, 3, tokens=200, seed=1, directions=[Direction("de", "en")]):
        _, other = batch.with_another_source()
        assert other.source.size(1) <= 8


def test_text_of_one_language(store: Store, tiny_config) -> None:
    """As fairseq's masked_lm and language_modeling read it: `<s> x </s>`; `</s> x` and `x </s>`; no tags."""
    batches = text_batches(store, "train", "de", tiny_config(len(store.vocabulary)), 2, tokens=200, seed=1)
    corpus = store.corpora("train")[0]
    held = {tuple(corpus.sentence("de", row).tolist()) for row in range(corpus.rows)}
    for batch in batches:
        for source, previous, target in zip(batch.source, batch.previous, batch.target, strict=True):
            bos, *sentence, eos = words(source)
            assert (bos, eos) == (BOS, EOS) and tuple(sentence) in held
            assert words(previous) == [EOS, *sentence] and words(target) == [*sentence, EOS]
        assert batch.with_another_source() is None
    assert batches[0].target.tolist() != batches[1].target.tolist()


def test_a_split_that_is_not_there(store: Store, tiny_config) -> None:
    with pytest.raises(UserError, match="no split 'valid'"):
        store_batches(store, "valid", tiny_config(len(store.vocabulary)), 1, tokens=200, seed=1)
