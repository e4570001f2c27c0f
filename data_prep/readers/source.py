"""What a reader is: something that can be opened anywhere and read from its start, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from data_prep.batch import Batch
from mtdeep.errors import UserError


class EmptySource(UserError):
    """Nothing of what is asked for is in a file: of another format perhaps, or one shard of many that has no rows.

    file: its path; why: what it lacks, and the remedy.
    """

    def __init__(self, file: str, why: str) -> None:
        super().__init__(file, why)
        self.why = why

    def __str__(self) -> str:
        """Return the sentence."""
        return ": ".join(self.args)


class Source(Protocol):
    """What is read in one go: a file, or files that are aligned line by line.

    A source is a frozen dataclass of plain data (paths, languages, options), so that it can be sent to another process
    or machine. Reading it twice gives the same batches. It holds no more than a batch in memory, however large the
    file.

    Damage that leaves the rows around it readable is a `Rejected` row. Damage after which nothing can be trusted (an
    archive that breaks off, sides of unequal length) raises UserError: one sentence with file, line and remedy. A file
    without rows raises EmptySource.
    """

    libraries: ClassVar[tuple[str, ...]]
    """Those of which another version may read other text from the same bytes (`engine.libraries`)."""

    @property
    def languages(self) -> Sequence[str]:
        """Return the canonical codes of the columns, in order."""

    @property
    def inputs(self) -> Sequence[Path]:
        """Return the files that are read; their content decides what the source gives."""

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield the source's batches of *rows* rows read, rejected ones among them; the last may be shorter.

        So a batch is bounded whatever the file holds, and the batches of any two sizes are the same rows.
        """


@runtime_checkable
class Naming(Source, Protocol):
    """A source whose options name something in the file, which may not be there."""

    def lacking(self, languages: Sequence[str]) -> EmptySource:
        """Return what to raise for *languages* that no row has a text in: with what the file has, and the remedy.

        It may read the file again.
        """
