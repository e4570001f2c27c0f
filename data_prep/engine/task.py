"""A piece of work whose result stands on disk under the digest of all that decides it.

A result is a folder WORK/STEP/KEY with the files that the work wrote and `record.json`, which says what it is made of
and how many bytes each file has, with a digest of itself. It appears by one rename, so it is whole or not there, also
after `kill -9`; it is found again by its key, whatever the inputs are called and wherever they lie. Nothing is synced,
which would take as long as the work itself where files are small: what a power cut leaves of a file has another size,
and the result is made again, or another digest than the file or its record says, and whoever reads it tells.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

from data_prep.engine.libraries import versions
from mtdeep.errors import UserError

RECORD = "record.json"
_DIGEST = "xxh3_128"


@dataclass(frozen=True)
class Step:
    """A kind of work: *run* is a function of a module, called as ``run(folder, **arguments)`` in any process.

    It writes its files into *folder* and returns a record, plain data for JSON.
    """

    name: str
    run: Callable[..., Mapping[str, Any]]
    revision: int
    """Raise it when equal content begins to give other results."""
    libraries: tuple[str, ...] = ()
    """Names for `engine.libraries.versions`: those of which another version may give other results."""

    def task(
        self,
        name: str,
        content: Mapping[str, Any],
        arguments: Mapping[str, Any] | None = None,
        *,
        place: str = "",
        libraries: Iterable[str] = (),
    ) -> Task:
        """Return a task of this step; *libraries* are those that its settings or inputs ask for beside the step's."""
        return Task(self, name, content, arguments or {}, place, versions((*self.libraries, *libraries)))


@dataclass(frozen=True)
class Task:
    """Work for any process, made by `Step.task`.

    Equal steps, *content* and *versions* mean equal results. Content is what decides them beside the code: digests of
    inputs, settings with every default, the keys of the results that it reads. Paths belong into *arguments*, never
    into *content*.
    """

    step: Step
    name: str
    """What progress and errors call it."""
    content: Mapping[str, Any]
    arguments: Mapping[str, Any]
    place: str
    """Where the configuration asks for it: put before a user's error that does not name a file itself."""
    versions: Mapping[str, str]

    @property
    def decided(self) -> dict[str, Any]:
        """Return all that decides the result, as plain data."""
        step = {"step": self.step.name, "revision": self.step.revision}
        return {**step, "versions": self.versions, "content": self.content}

    @property
    def key(self) -> str:
        """Return the digest of all that decides the result."""
        return digest_of(self.decided)

    def folder(self, work: Path) -> Path:
        """Return where the result stands."""
        return work / self.step.name / self.key


@dataclass(frozen=True)
class Result:
    """What a task has left: its key, its folder and what it recorded."""

    key: str
    folder: Path
    record: Mapping[str, Any]


def digest_of(content: Any) -> str:
    """Return the xxh3-128 of plain data, whatever the order of its keys."""
    return xxhash.xxh3_128_hexdigest(json.dumps(content, sort_keys=True, ensure_ascii=False).encode())


def finished(task: Task, work: Path) -> Result | None:
    """Return the task's result if it is there, its record as it was written and no file missing or of another size."""
    folder = task.folder(work)
    try:
        document = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if document.pop(_DIGEST) != digest_of(document):
            return None
        whole = all((folder / name).stat().st_size == size for name, size in document["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # whatever else stands there
    return Result(task.key, folder, document["record"]) if whole else None


def carry_out(task: Task, work: Path) -> Result:
    """Run the task, here and now, and put its result in its place.

    Another process may have put the same there in between: then that one stays.
    """
    target = task.folder(work)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
    try:
        record = _run(task, partial)
        files = {path.name: path.stat().st_size for path in sorted(partial.iterdir())}
        document = {"task": task.name, **task.decided, "files": files, "record": record}
        digest = digest_of(json.loads(json.dumps(document)))  # as it will be read: keys are strings then
        text = json.dumps({**document, _DIGEST: digest}, ensure_ascii=False, indent=1)
        (partial / RECORD).write_text(text, encoding="utf-8")
        if (earlier := finished(task, work)) is not None:
            return earlier
        shutil.rmtree(target, ignore_errors=True)  # damaged, or finished() would have found it
        os.rename(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    result = finished(task, work)
    assert result is not None, "a result that was just written is there"
    return result


def _run(task: Task, folder: Path) -> Mapping[str, Any]:
    here = versions(task.versions)
    if other := [library for library, wanted in task.versions.items() if here[library] != wanted]:
        raise UserError(
            f"{platform.node()}: a worker has {other[0]} {here[other[0]]}, and who shares out the work "
            f"{task.versions[other[0]]}; install the same versions on all machines"
        )
    try:
        return task.step.run(folder, **task.arguments)
    except UserError as error:
        raise UserError(f"{task.place}: {error}" if task.place else str(error)) from error
