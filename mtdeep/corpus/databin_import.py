"""fairseq's data-bin, read into a store: every file pair of the folder becomes a corpus of two columns.

    FOLDER/dict.{lang}.txt, or dict.txt for all    one dictionary, the same for every language
    FOLDER/{split}.{src}-{tgt}.{lang}.bin and .idx a column; `{tgt}` is `None` where fairseq-preprocess was given
                                                   --only-source: text of one language

Symbols of the dictionary keep their ids; those at its end that look like a store's tags are tags, and languages
without one get theirs behind them. `train1`, `train2`, ..., which fairseq's tasks read as more of `train`, are corpora
of the split `train`. An empty line, end-of-sentence alone, becomes a gap: its row has no pair. A sentence that stands
in several directions is stored several times, because a data-bin does not say which of its rows are the same.
"""

from __future__ import annotations

import filecmp
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mtdeep.corpus.blocks import Block
from mtdeep.corpus.databin import COLUMN, Progress
from mtdeep.corpus.mmididx import MMapColumn, beside
from mtdeep.corpus.store import file_digest
from mtdeep.corpus.store_writer import StoreWriter
from mtdeep.corpus.vocabulary import EOS, UNK, Vocabulary, tag_of
from mtdeep.errors import UserError
from mtdeep.languages import resolve

_MORE_TRAINING = re.compile(r"train(?P<number>\d+)")
_NO_TARGET = "None"


@dataclass(frozen=True)
class _Corpus:
    """Columns that belong together: files without their ending, by the name of the language in it."""

    split: str
    pair: str
    prefixes: Mapping[str, Path]

    @property
    def place(self) -> tuple[str, str]:
        """Split of the store, and a name that is unique in it."""
        more = _MORE_TRAINING.fullmatch(self.split)
        return ("train", f"{self.pair}.{more['number']}") if more else (self.split, self.pair)

    def files(self) -> list[Path]:
        """All of them, in an order of their own."""
        return [beside(prefix, suffix) for _, prefix in sorted(self.prefixes.items()) for suffix in (".bin", ".idx")]


@dataclass
class Imported:
    """What came of an import.

    languages: canonical codes, by what the files call them.
    pairs: rows of which no side is empty, by split.
    gaps: rows with an empty side.
    left_out: files, without their ending, that were not imported, each with its reason.
    unknown_pieces: pieces of the SentencePiece model that the dictionary lacks, and that encode to `<unk>`.
    """

    languages: Mapping[str, str] = field(default_factory=dict)
    pairs: dict[str, int] = field(default_factory=dict)
    gaps: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    unknown_pieces: int = 0


def import_databin(
    folder: Path, store: Path, *, sentencepiece_model: Path | None = None, progress: Progress | None = None
) -> Imported:
    """Write a store of all that a data-bin has.

    *sentencepiece_model* made its pieces; a data-bin has none, and a store without one trains, and cannot turn text
    into ids. *progress* hears what was read, how many corpora are done, and how many there are. Raises `UserError` when
    files are damaged or missing, a language is not known, dictionaries differ, an id is none of the dictionary's
    pieces, or the model is not the dictionary's.
    """
    imported = Imported()
    corpora = _find(folder, imported.left_out)
    names = list(dict.fromkeys(name for corpus in corpora for name in corpus.prefixes))
    dictionary = _common_dictionary(folder, names)
    codes = imported.languages = {name: _resolve(folder, name) for name in names}
    try:
        vocabulary = dictionary.extended(codes.values())
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None
    model = None
    if sentencepiece_model is not None:
        from mtdeep.corpus.subwords import Subwords  # the only part of this package that needs SentencePiece

        imported.unknown_pieces = Subwords(sentencepiece_model, vocabulary).unknown_pieces
        model = sentencepiece_model.read_bytes()
    with StoreWriter(store, vocabulary, model) as writer:
        for number, corpus in enumerate(corpora, start=1):
            columns = _open(corpus, codes)
            split, name = corpus.place
            blocks = {language: _pieces(column, dictionary) for language, column in columns.items()}
            files = {path.name: file_digest(path) for path in corpus.files()}
            record = writer.add_corpus(name, split, blocks, provenance={"fairseq": files})
            full = record.pairs[0] if record.pairs else record.columns[0].sentences
            imported.pairs[split] = imported.pairs.get(split, 0) + full
            imported.gaps += record.rows - full
            if progress is not None:
                progress(f"reading {corpus.split} {corpus.pair}", number, len(corpora))
        writer.finish({"imported_from": "a data-bin of fairseq", "left_out": imported.left_out})
    return imported


def _find(folder: Path, left_out: dict[str, str]) -> list[_Corpus]:
    """The corpora of a folder, in the order of their names; notes in *left_out* what is none."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such directory; give the folder that fairseq-preprocess wrote to")
    stems = sorted({path.stem for path in folder.iterdir() if path.suffix in (".idx", ".bin")})
    found: dict[tuple[str, str], dict[str, Path]] = {}
    for stem in stems:
        match = COLUMN.fullmatch(stem)
        if match:
            found.setdefault((match["split"], match["pair"]), {})[match["language"]] = folder / stem
        else:
            left_out[stem] = "its name is not of the form SPLIT.SRC-TGT.LANG"
    if not found:
        raise UserError(f"{folder}: holds no SPLIT.SRC-TGT.LANG.idx; give the folder that fairseq-preprocess wrote to")
    corpora: dict[tuple[str, str], _Corpus] = {}
    for (split, pair), prefixes in found.items():
        source, target = pair.split("-")
        for language in (source, target):
            if language not in prefixes and language != _NO_TARGET:
                raise UserError(
                    f"{folder / f'{split}.{pair}.{language}.idx'}: missing beside the pair's other language; "
                    "restore it, or write the data-bin again"
                )
        corpus = _Corpus(split, pair, {name: prefixes[name] for name in (source, target) if name in prefixes})
        mirror = corpora.get((split, f"{target}-{source}"))
        if mirror is not None and _same_files(corpus, mirror):
            left_out[f"{split}.{pair}"] = f"the same sentences as {split}.{mirror.pair}"
        else:
            corpora[split, pair] = corpus
    return list(corpora.values())


def _same_files(one: _Corpus, other: _Corpus) -> bool:
    pairs = zip(one.files(), other.files(), strict=True)
    return all(a.exists() and b.exists() and filecmp.cmp(a, b, shallow=False) for a, b in pairs)


def _resolve(folder: Path, name: str) -> str:
    try:
        return resolve(name)
    except UserError as error:
        raise UserError(f"{folder}: its files name a language {name!r}: {error}; rename the files") from None


def _common_dictionary(folder: Path, names: Sequence[str]) -> Vocabulary:
    """The one dictionary of all languages; raises `UserError` where two differ."""
    paths: dict[Path, None] = {}
    for name in names:
        own = folder / f"dict.{name}.txt"
        paths[own if own.exists() else folder / "dict.txt"] = None
        if not own.exists() and not (folder / "dict.txt").exists():
            raise UserError(f"{own}: missing; put the dictionary there that the files of {name!r} were written with")
    first, *others = paths
    dictionary = read_dictionary(first)
    for other in others:
        found = read_dictionary(other)
        if found != dictionary:
            ours, theirs = dictionary.symbols(), found.symbols()
            where = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
            raise UserError(
                f"{other}: another dictionary than {first.name} (they differ at id {where}), and a store has one for "
                "all languages; write the data-bin again with fairseq-preprocess --joined-dictionary"
            )
    return dictionary


def read_dictionary(path: Path) -> Vocabulary:
    """A dictionary of fairseq's: a symbol and its count a line, from id 4 on; counts are not kept.

    The last lines that are a store's tags, `__code__ 0`, are tags again. Raises `UserError` with file and line.
    """
    try:
        lines = path.read_bytes().decode("utf-8").split("\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}; restore the dictionary") from None
    if lines[-1] == "":
        lines.pop()
    entries = [line.rstrip().rpartition(" ")[::2] for line in lines]
    for number, (symbol, count) in enumerate(entries, start=1):
        if not symbol or not count.isdecimal():
            raise UserError(f"{path}:{number}: expected `symbol count`, as fairseq-preprocess writes it")
    languages: list[str] = []
    while entries and (language := tag_of(*entries[-1])):
        languages.insert(0, language)
        entries.pop()
    try:
        return Vocabulary(tuple(symbol for symbol, _ in entries), tuple(languages))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _open(corpus: _Corpus, codes: Mapping[str, str]) -> dict[str, MMapColumn]:
    columns = {name: MMapColumn(prefix) for name, prefix in corpus.prefixes.items()}
    rows = {column.index_path.name: len(column) for column in columns.values()}
    if len(set(rows.values())) > 1:
        (one, first), (other, second) = rows.items()
        folder = next(iter(corpus.prefixes.values())).parent
        raise UserError(
            f"{folder / one}: has {first} sentences and {other} {second}; write the pair again from aligned text"
        )
    if len({codes[name] for name in columns}) < len(columns):
        path = next(iter(columns.values())).index_path
        raise UserError(f"{path}: goes from a language into itself ({corpus.pair}); rename or remove the pair")
    return {codes[name]: column for name, column in columns.items()}


def _pieces(column: MMapColumn, dictionary: Vocabulary) -> Iterator[Block]:
    """Blocks of pieces without end-of-sentence; raises `UserError` for what fairseq-preprocess would not write."""
    row = 0
    for block in column.blocks():
        last = np.cumsum(block.lengths) - 1
        unended = np.flatnonzero(block.lengths == 0)
        if not len(unended):
            unended = np.flatnonzero(block.units[last] != EOS)
        if len(unended):
            raise UserError(
                f"{column.data_path}: sentence {row + unended[0]} does not end in </s>, as those of fairseq-preprocess "
                "do; write the data-bin again"
            )
        pieces = np.delete(block.units, last)
        lengths = block.lengths - 1
        wrong = np.flatnonzero((pieces < UNK) | (pieces >= dictionary.first_tag))
        if len(wrong):
            sentence = row + int(np.searchsorted(np.cumsum(lengths), wrong[0], side="right"))
            what = _what_is(int(pieces[wrong[0]]), dictionary)
            raise UserError(f"{column.data_path}: sentence {sentence} has {what}")
        yield Block(pieces, lengths)
        row += len(lengths)


def _what_is(symbol_id: int, dictionary: Vocabulary) -> str:
    if not 0 <= symbol_id < len(dictionary):
        return (
            f"id {symbol_id}, and its dictionary {len(dictionary)} symbols; put the dictionary beside it that it was "
            "written with"
        )
    symbol = dictionary.symbols()[symbol_id]
    if dictionary.is_tag(symbol_id):
        return f"the tag {symbol}, and a store adds tags when it makes a batch; write the data-bin again without tags"
    return f"{symbol} within its text; write the data-bin again without it"
