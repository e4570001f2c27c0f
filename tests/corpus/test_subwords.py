"""SentencePiece ids against the store's ids."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import sentencepiece

from mtdeep.corpus import Vocabulary
from mtdeep.corpus.subwords import Subwords, pieces
from mtdeep.errors import UserError

LINES = ["Two young men are outside.", "", "Zwei junge Männer", "   ", "木制游戏屋", "Z☃y"]


@pytest.fixture
def subwords(spm_model: bytes, vocabulary: Vocabulary) -> Subwords:
    """The session's model."""
    return Subwords(spm_model, vocabulary)


def test_ids_name_the_models_pieces(subwords: Subwords, spm_model: bytes, vocabulary: Vocabulary) -> None:
    """Our ids, read as symbols, are SentencePiece's own pieces; an unknown piece is <unk>."""
    reference = sentencepiece.SentencePieceProcessor(model_proto=spm_model)
    symbols = vocabulary.symbols()
    for line, ids in zip(LINES, subwords.encode(LINES, threads=2), strict=True):
        expected = reference.encode(line, out_type=str)
        found = [symbols[i] for i in ids]
        assert [p if p in symbols else "<unk>" for p in expected] == found
    assert vocabulary.unk in subwords.encode(["☃"])[0]


def test_pieces_leave_out_control_and_unknown(spm_model: bytes) -> None:
    """Of the model's 100 entries <unk>, <s> and </s> are no pieces."""
    assert len(pieces(spm_model)) == 97
    assert not {"<s>", "</s>", "<unk>"} & set(pieces(spm_model))


def test_decode_is_the_inverse(subwords: Subwords, vocabulary: Vocabulary) -> None:
    """Specials and tags vanish, pieces join."""
    lines = [LINES[0], LINES[2]]
    encoded = subwords.encode(lines)
    assert [subwords.decode(ids) for ids in encoded] == lines
    dressed = [vocabulary.eos, vocabulary.tag("de"), *encoded[0].tolist(), vocabulary.eos, vocabulary.pad]
    assert subwords.decode(dressed) == lines[0]
    assert subwords.decode_batch(encoded) == lines
    assert subwords.decode_batch([]) == []
    assert subwords.decode([]) == ""


def test_empty_lines_and_empty_batches(subwords: Subwords) -> None:
    """Nothing in, nothing out; blank lines become gaps."""
    assert subwords.encode([]) == []
    assert [len(ids) for ids in subwords.encode(["", " ", "A"])][:2] == [0, 0]


def test_threads_change_nothing(subwords: Subwords) -> None:
    """The order of a batch does not depend on threads."""
    many = LINES * 50
    one, four = subwords.encode(many, threads=1), subwords.encode(many, threads=4)
    assert all(np.array_equal(a, b) for a, b in zip(one, four, strict=True))


def test_survives_pickling(subwords: Subwords) -> None:
    """Workers get a copy that encodes the same."""
    copy = pickle.loads(pickle.dumps(subwords))
    assert np.array_equal(copy.encode(LINES)[0], subwords.encode(LINES)[0])


def test_foreign_model(spm_model: bytes, vocabulary: Vocabulary, tmp_path: Path) -> None:
    """A model that is none, is missing, or has other pieces."""
    (tmp_path / "bad.model").write_bytes(b"not a model")
    with pytest.raises(UserError, match=r"bad\.model: not a SentencePiece model"):
        Subwords(tmp_path / "bad.model", vocabulary)
    with pytest.raises(UserError, match=r"missing\.model: cannot be read"):
        Subwords(tmp_path / "missing.model", vocabulary)
    with pytest.raises(UserError, match="not those of the dictionary"):
        Subwords(spm_model, Vocabulary((*vocabulary.pieces, "☃"), vocabulary.languages))


def test_a_dictionary_in_its_own_order_with_pieces_left_out(
    subwords: Subwords, spm_model: bytes, vocabulary: Vocabulary
) -> None:
    """As fairseq counts it in a text, and fills it up: the same pieces, and <unk> for those that it lacks."""
    english, german = (subwords.encode([line])[0].tolist() for line in (LINES[0], LINES[2]))
    lacking = vocabulary.symbols()[next(i for i in english if i not in german)]
    other = Vocabulary((*(p for p in vocabulary.pieces[::-1] if p != lacking), "madeupword0000"), ("en",))
    reordered = Subwords(spm_model, other)
    assert (subwords.unknown_pieces, reordered.unknown_pieces) == (0, 1)
    for line in LINES:
        ours = [vocabulary.symbols()[i] for i in subwords.encode([line])[0]]
        theirs = [other.symbols()[i] for i in reordered.encode([line])[0]]
        assert theirs == ["<unk>" if piece == lacking else piece for piece in ours]
    assert reordered.decode(reordered.encode([LINES[2]])[0]) == LINES[2]
    assert reordered.decode([len(other) - 2]) == ""  # the filler
    assert reordered.decode_pieces(["madeupword0000"]) == ""


def test_pieces_decode_as_their_ids_do_and_other_strings_stand_for_themselves(subwords: Subwords) -> None:
    symbols = subwords.vocabulary.symbols()
    silent = ["</s>", *symbols[subwords.vocabulary.first_tag :]]
    for ids in subwords.encode([*LINES, "☃ snow"]):
        assert subwords.decode_pieces([*(symbols[i] for i in ids), *silent]) == subwords.decode(ids)
    surfaces = subwords.surfaces("☃ snow")
    assert len(surfaces) == len(subwords.encode(["☃ snow"])[0])
    assert "☃" in "".join(surfaces)
    assert subwords.decode_pieces(surfaces) == "☃ snow"
