"""OPUS's Moses zips: aligned text files in an archive, read where they are; nothing is unpacked to a disk."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from data_prep.batch import Batch
from data_prep.engine.libraries import LANGUAGES
from data_prep.readers.aligned import Column, aligned_batches
from data_prep.readers.compression import SUFFIXES
from data_prep.readers.files import OneFile
from data_prep.readers.lines import split_lines
from data_prep.readers.rows import LONGEST
from data_prep.readers.zip_members import member_text, open_zip, shown
from mtdeep.errors import UserError
from mtdeep.languages import find


@dataclass(frozen=True)
class MosesZip(OneFile):
    """A zip archive with one text file a language (`Books.de-en.de`, `Books.de-en.en`), aligned line by line.

    languages: those to read; a member belongs to the language that the last part of its name means.
    members: language -> name of the member, where the names do not tell.
    scores: the member with the score of each row, such as `NLLB.de-en.scores`.
    longest: bytes of the longest line that is read.
    """

    libraries: ClassVar[tuple[str, ...]] = LANGUAGES
    path: Path
    languages: tuple[str, ...]
    members: Mapping[str, str] = field(default_factory=dict)
    scores: str | None = None
    longest: int = LONGEST

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches.

        Raises UserError for what is no zip archive, is damaged, encrypted or a bomb, for a language without a member
        or with several, and as `aligned_batches` does.
        """
        with open_zip(self.path) as archive:
            columns = {language: self._column(archive, self._member(archive, language)) for language in self.languages}
            yield from aligned_batches(columns, rows, self._column(archive, self.scores) if self.scores else None)

    def _member(self, archive: zipfile.ZipFile, language: str) -> str:
        if language in self.members:
            return self.members[language]
        names = archive.namelist()
        found = [name for name in names if find(_ending(name)) == language]
        if len(found) != 1:
            how = "no member" if not found else f"{len(found)} members"
            raise UserError(f"{self.path}: {how} for language {language!r} among {shown(names)}; name it in `members`")
        return found[0]

    def _column(self, archive: zipfile.ZipFile, member: str) -> Column:
        name = f"{self.path}/{member}"
        return Column(name, split_lines(member_text(self.path, archive, member), name, self.longest))


def _ending(member: str) -> str:
    """Return the last part of a member's name, empty for a name of one part; of a compressed one, the part before."""
    for suffix in SUFFIXES:
        member = member.removesuffix(suffix)
    return member.rpartition(".")[2][:64] if "." in member else ""
