"""Files that are there whole or not at all, also after the power went, one writer at a time, and full disks."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from mtdeep.errors import UserError

# What a disk, its permissions and its names refuse. Any other error of the system is a defect of the program.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE),
    *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ELOOP),
}


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let *write* fill a file of another name beside *path*, sync it, and give it its name.

    After an error nothing of the new file stays; one of the system's names the file. The name itself is durable after
    `sync_directory`, once for all the files of a folder.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        write(partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a write knows its file by a number
        raise
    finally:
        partial.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def refusals_told(path: Path, *, kept: str = "") -> Iterator[None]:
    """Raise UserError in place of the system's error when the block cannot write, below *path* if nothing else is said.

    That is: the disk is full, or read only, or something stands where a file or folder has to. *kept* says what is not
    lost by it, and closes the sentence.
    """
    try:
        yield
    except Exception as problem:
        error = os_error(problem)
        if error is None or not (isinstance(problem, OSError) or is_full(error)):
            raise
        where, what = error.filename or path, error.strerror
        if error.errno in _FULL:
            raise refusal(where, what, "make room, or give another place for it", kept) from problem
        if error.errno in _REFUSED or (error.errno == errno.ENOENT and _is_way_to(Path(where), path)):
            raise refusal(where, what, "mend that, or give another place", kept) from problem
        raise


def os_error(problem: BaseException) -> OSError | None:
    """Return the system's error that *problem* is, or came of: over one of them `torch.save` raises a RuntimeError."""
    error: BaseException | None = problem
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return error


def is_full(error: OSError) -> bool:
    """Whether a disk takes nothing, or no more, which concerns writing alone."""
    return error.errno in _FULL or error.errno == errno.EROFS


def refusal(where: Path | str, what: str | None, remedy: str, kept: str = "") -> UserError:
    """Return the sentence on a file or folder that cannot be written because of *what*."""
    return UserError(f"{where}: cannot be written ({what}); {remedy}{f'; {kept}' if kept else ''}")


def check_folder(option: str, folder: Path) -> None:
    """Raise UserError when no file could be written in a *folder*, which need not be there yet, that an option names.

    Nothing is left of the attempt, and the folder is not made.
    """
    try:
        with TemporaryFile(dir=_nearest_existing(folder.absolute())):  # of another name in each process that looks
            pass
    except OSError as error:
        reason = "it is a file" if os.path.isfile(folder) else error.strerror
        raise UserError(f"{option} {folder}: cannot be written to ({reason}); name another folder.") from None


def check_file(option: str, path: Path) -> None:
    """Raise UserError where the value of *option* is no place for a file."""
    if path.is_dir() or not path.parent.is_dir():
        what = "a folder; give a file" if path.is_dir() else f"there is no folder {path.parent}; make it first"
        raise UserError(f"{option} {path}: {what}")


def _nearest_existing(path: Path) -> Path:
    for place in (path, *path.parents):
        with suppress(FileNotFoundError, NotADirectoryError):
            place.lstat()
            return place
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def _is_way_to(missing: Path, path: Path) -> bool:
    """Tell what cannot be made for *path*, as in /proc, from an input that is gone, which is nothing of the place."""
    missing, path = Path(os.path.realpath(missing)), Path(os.path.realpath(path))
    return path.is_relative_to(missing) or missing.name == _lock_of(path).name


@contextmanager
def one_writer(path: Path) -> Iterator[None]:
    """Be the only one to write what stands, or will stand, at *path*.

    The lock is a file `.NAME.mtdeep-lock` beside it, which goes with the last who held it; the system unlocks it when a
    process is killed. Raises UserError when another process holds it.
    """
    lock = _lock_of(Path(os.path.realpath(path)))
    while True:
        with lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(f"{path}: another process is writing it; wait for it to end") from error
            if not _is_open_at(file.fileno(), lock):
                continue  # its holder removed it between our open and our lock: the next process would lock another
            try:
                yield
            finally:
                lock.unlink()  # only ever by the holder of the file that stands there
            return


def has_writer(path: Path) -> bool:
    """Tell whether a process writes what stands, or will stand, at *path* (`one_writer`)."""
    try:
        with _lock_of(Path(os.path.realpath(path))).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.mtdeep-lock")


def _is_open_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
