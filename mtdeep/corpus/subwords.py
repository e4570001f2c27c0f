"""SentencePiece between text and the store's ids: one native call a batch, one table lookup."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import sentencepiece

from mtdeep.corpus.blocks import Block
from mtdeep.corpus.vocabulary import UNK, Vocabulary
from mtdeep.errors import UserError

# What fairseq fills a dictionary up with, to a multiple of 8 symbols.
_FILLER = re.compile(r"madeupword\d{4}")


def _load(model: Path | str | bytes) -> sentencepiece.SentencePieceProcessor:
    """A processor from a model file or its bytes; raises `UserError` when it is no SentencePiece model."""
    name = "SentencePiece model" if isinstance(model, bytes) else str(model)
    try:
        data = model if isinstance(model, bytes) else Path(model).read_bytes()
        processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    except OSError as error:
        raise UserError(f"{name}: cannot be read ({error.strerror}); give a SentencePiece .model file") from None
    except RuntimeError:
        raise UserError(f"{name}: not a SentencePiece model; give the .model file that training wrote") from None
    if processor.get_piece_size() == 0:
        raise UserError(f"{name}: a SentencePiece model without pieces; give the .model file that training wrote")
    return processor


def _is_piece(processor: sentencepiece.SentencePieceProcessor, i: int) -> bool:
    return not (processor.is_control(i) or processor.is_unknown(i) or processor.is_unused(i))


def pieces(model: Path | str | bytes) -> tuple[str, ...]:
    """A model's pieces in its order, without its own control, unknown and unused ones: what a `Vocabulary` holds."""
    processor = _load(model)
    return tuple(processor.id_to_piece(i) for i in range(processor.get_piece_size()) if _is_piece(processor, i))


class _Itself(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key


class Subwords:
    """Encodes text to store ids and decodes them.

    unknown_pieces: how many of the model's pieces the vocabulary lacks. They encode to `<unk>`; a vocabulary that
    `fairseq-preprocess` counted in a text has only those that the text has.

    Raises `UserError` when a piece of the vocabulary is none of the model's.
    """

    def __init__(self, model: Path | str | bytes, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._processor = _load(model)
        size = self._processor.get_piece_size()
        own = {self._processor.id_to_piece(i): i for i in range(size) if _is_piece(self._processor, i)}
        foreign = [piece for piece in vocabulary.pieces if piece not in own and not _FILLER.fullmatch(piece)]
        if foreign:
            name = "SentencePiece model" if isinstance(model, bytes) else str(model)
            more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            raise UserError(
                f"{name}: its pieces are not those of the dictionary, which has {foreign[0]!r}{more}; "
                "use the model that belongs to it"
            )
        shared = [(own[piece], i) for i, piece in enumerate(vocabulary.pieces, vocabulary.first_piece) if piece in own]
        self.unknown_pieces = len(own) - len(shared)
        in_model, in_store = np.array(shared, dtype=np.int64).reshape(-1, 2).T
        # SentencePiece never emits control or unused ids for text; what is left over is unknown.
        self._to_store = np.full(size, UNK, dtype=np.int32)
        self._to_store[in_model] = in_store
        self._to_model = np.full(len(vocabulary), -1, dtype=np.int64)
        self._to_model[UNK] = self._processor.unk_id()
        self._to_model[in_store] = in_model

    def encode(self, lines: Sequence[str], threads: int | None = None) -> list[np.ndarray]:
        """Ids of each line, (length,) int32, without end-of-sentence and tags; an empty line gives length 0.

        `threads` are SentencePiece's own; all cores by default.
        """
        return self.encode_block(lines, threads).sentences()

    def encode_block(self, lines: Sequence[str], threads: int | None = None) -> Block:
        """Ids of all lines as one block of int32."""
        encoded = self._processor.encode(list(lines), out_type=int, num_threads=threads or os.cpu_count() or 1)
        lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
        flat = np.fromiter(itertools.chain.from_iterable(encoded), dtype=np.int64, count=int(lengths.sum()))
        return Block(self._to_store[flat], lengths)

    def decode(self, ids: Iterable[int] | np.ndarray) -> str:
        """Text of store ids; specials and tags are left out, an unknown shows as SentencePiece prints it."""
        return str(self._processor.decode(self._model_ids(ids)))

    def surfaces(self, line: str) -> list[str]:
        """Return the pieces of a line as they are written, one for each id that `encode` gives: an unknown too."""
        return list(self._processor.encode(line, out_type=str))

    def decode_pieces(self, pieces: Iterable[str]) -> str:
        """Return the text of symbols: as of their ids, but a string that is no symbol stands for itself."""
        return str(self._processor.decode([self._spoken[piece] for piece in pieces if self._spoken[piece]]))

    def decode_batch(self, batch: Iterable[Iterable[int] | np.ndarray]) -> list[str]:
        """Text of many sentences in one native call."""
        sentences = [self._model_ids(ids) for ids in batch]
        return list(self._processor.decode(sentences)) if sentences else []

    @cached_property
    def _spoken(self) -> Mapping[str, str]:
        """Each symbol of the vocabulary as a piece of the model, or empty where it has none; any other as it is."""
        model_ids = zip(self.vocabulary.symbols(), self._to_model.tolist(), strict=True)
        return _Itself((symbol, self._processor.id_to_piece(i) if i >= 0 else "") for symbol, i in model_ids)

    def _model_ids(self, ids: Iterable[int] | np.ndarray) -> list[int]:
        store_ids = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids), dtype=np.int64)
        model_ids = self._to_model[store_ids]
        return [int(i) for i in model_ids[model_ids >= 0]]
