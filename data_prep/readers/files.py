"""What readers read: one file, or a file for each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


class OneFile:
    """A reader of one file, *path*."""

    path: Path

    @property
    def inputs(self) -> Sequence[Path]:
        """Return the file."""
        return (self.path,)


class FileForEachLanguage:
    """A reader of *files*, language -> the file that has its texts."""

    files: Mapping[str, Path]

    @property
    def languages(self) -> Sequence[str]:
        """Return the languages of the files."""
        return tuple(self.files)

    @property
    def inputs(self) -> Sequence[Path]:
        """Return the files."""
        return tuple(self.files.values())
