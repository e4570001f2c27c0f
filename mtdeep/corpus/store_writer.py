"""The store on disk, written: columns stream through, and the store appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtdeep.corpus.corpus_writer import CorpusWriter
from mtdeep.corpus.manifest import DICTIONARY, MANIFEST, SHARDS, SUBWORD_MODEL
from mtdeep.corpus.shards import write_file
from mtdeep.corpus.vocabulary import Vocabulary
from mtdeep.durable import sync_directory
from mtdeep.errors import UserError


class StoreWriter(CorpusWriter):
    """Writes a store beside `path` and renames it to `path` when it is finished.

    `sentencepiece_model` made the ids; None for a store that is read from ids whose model nobody gave. Raises
    `UserError` when something stands at `path` already.
    """

    def __init__(
        self,
        path: Path | str,
        vocabulary: Vocabulary,
        sentencepiece_model: bytes | None,
        *,
        shard_bytes: int = 4 << 30,
    ) -> None:
        self.path = Path(path)
        if self.path.exists() and not (self.path.is_dir() and not any(self.path.iterdir())):
            raise UserError(f"{self.path}: exists already; remove it, or give another place for the store")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._partial = Path(tempfile.mkdtemp(prefix=f"{self.path.name}.partial-", dir=self.path.parent))
        self._partial.chmod(0o777 & ~_umask())
        (self._partial / SHARDS).mkdir()
        super().__init__(self._partial, vocabulary, vocabulary.token_dtype, shard_bytes=shard_bytes)
        if sentencepiece_model is not None:
            self._files[SUBWORD_MODEL] = write_file(self._partial / SUBWORD_MODEL, sentencepiece_model)

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Write the dictionary and the manifest, sync everything, and rename the store to its path."""
        self._files[DICTIONARY] = write_file(self._partial / DICTIONARY, self.vocabulary.dump())
        write_file(self._partial / MANIFEST, self._manifest(provenance).dump())
        sync_directory(self._partial / SHARDS)
        sync_directory(self._partial)
        os.rename(self._partial, self.path)
        sync_directory(self.path.parent)

    def abandon(self) -> None:
        """Remove what was written; nothing to do after `finish`."""
        self._shards.abandon()
        shutil.rmtree(self._partial, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
