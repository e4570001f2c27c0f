"""OPUS's Moses zips: aligned text files in an archive, read where they are; nothing is unpacked to a disk."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.batch import Batch
from data_prep.readers.aligned import Column, aligned_batches
from data_prep.readers.lines import split_lines
from data_prep.readers.opening import blocks_of, expands_too_much, most_bytes
from data_prep.readers.rows import LONGEST, on_one_line
from mtdeep.errors import UserError
from mtdeep.languages import find


@dataclass(frozen=True)
class MosesZip:
    """A zip archive with one text file a language (`Books.de-en.de`, `Books.de-en.en`), aligned line by line.

    languages: those to read; a member belongs to the language that the last part of its name means.
    members: language -> name of the member, where the names do not tell.
    scores: the member with the score of each row, such as `NLLB.de-en.scores`.
    longest: bytes of the longest line that is read.
    """

    path: Path
    languages: tuple[str, ...]
    members: Mapping[str, str] = field(default_factory=dict)
    scores: str | None = None
    longest: int = LONGEST

    @property
    def inputs(self) -> Sequence[Path]:
        """Return the archive."""
        return (self.path,)

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches.

        Raises UserError for what is no zip archive, is damaged, encrypted or a bomb, for a language without a member
        or with several, and as `aligned_batches` does.
        """
        with self._problems():
            archive = zipfile.ZipFile(self.path)
        with archive:
            columns = {language: self._column(archive, self._member(archive, language)) for language in self.languages}
            yield from aligned_batches(columns, rows, self._column(archive, self.scores) if self.scores else None)

    def _member(self, archive: zipfile.ZipFile, language: str) -> str:
        if language in self.members:
            return self.members[language]
        names = archive.namelist()
        found = [name for name in names if "." in name and find(name.rpartition(".")[2][:64]) == language]
        if len(found) != 1:
            how = "no member" if not found else f"{len(found)} members"
            raise UserError(f"{self.path}: {how} for language {language!r} among {_shown(names)}; name it in `members`")
        return found[0]

    def _column(self, archive: zipfile.ZipFile, member: str) -> Column:
        name = f"{self.path}/{member}"
        try:
            info = archive.getinfo(member)
        except KeyError:
            names = _shown(archive.namelist())
            raise UserError(f"{self.path}: no member {member!r} among {names}; name one of these") from None
        return Column(name, split_lines(self._blocks(archive, info, name), name, self.longest))

    def _blocks(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
        bound, expanded = most_bytes(info.compress_size), 0
        with self._problems(), archive.open(info) as file:
            for block in blocks_of(file):
                expanded += len(block)
                if expanded > bound:
                    raise UserError(expands_too_much(name))
                yield block

    @contextmanager
    def _problems(self) -> Iterator[None]:
        """Turn what zipfile raises into one sentence."""
        try:
            yield
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError) as error:
            # zipfile's RuntimeError means "encrypted" or an unknown compression, its ValueError a name that is no text.
            raise UserError(f"{self.path}: no whole zip archive that can be read ({error}); fetch it again") from None
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error}); correct the path or its permissions") from error


def _shown(names: Sequence[str]) -> str:
    return on_one_line(", ".join(names)) or "no members"
