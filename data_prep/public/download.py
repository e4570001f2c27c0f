"""A file from the web, whole or not at all.

mtdata's own downloads are not used: they begin again after every break, take a server whose certificate is wrong, and
unpack on the way what the server has packed, so that lengths cannot be compared.
"""

from __future__ import annotations

import os
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

import mtdeep
from data_prep.public.record import VARIABLE
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport

ATTEMPTS = 4
PAUSE = 2.0
"""Seconds before the second attempt; each further pause is twice as long."""
TIMEOUT = (10, 60)
"""Seconds for the connection, and without a byte after it."""
_BLOCK = 1 << 20
_PASSING = {408, 425, 429, 500, 502, 503, 504}


class BrokenOff(UserError):
    """A download that another run may complete."""


class _Interrupted(Exception):
    """What another attempt may mend."""


def download(url: str, path: Path, progress: ProgressReport) -> None:
    """Put what *url* has at *path*, byte for byte as the server sends it.

    What is there of it already (`.NAME.partial`) is gone on with if the server says that its file is still the same
    one. Raises UserError, and BrokenOff for what four attempts did not mend; then the part stays for the next run.
    """
    partial = path.with_name(f".{path.name}.partial")
    for attempt in range(ATTEMPTS):
        try:
            _go_on(url, path.name, partial, progress)
            break
        except _Interrupted as error:
            if attempt == ATTEMPTS - 1:
                done = f" after {partial.stat().st_size:,} bytes" if partial.exists() else ""
                raise BrokenOff(f"{url}: {error}{done}; try again later, the download goes on where it was") from error
            time.sleep(PAUSE * 2**attempt)
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    _mark(partial).unlink(missing_ok=True)


def _go_on(url: str, name: str, partial: Path, progress: ProgressReport) -> None:
    """Add to the part what it lacks; raises `_Interrupted` where that ends early."""
    import requests  # comes with mtdata
    from urllib3.exceptions import HTTPError

    try:
        with requests.get(url, headers=_headers(partial), stream=True, timeout=TIMEOUT) as answer:
            _receive(answer, url, name, partial, progress)
    except requests.exceptions.SSLError as error:
        raise UserError(f"{url}: the server cannot be trusted ({_short(error)}); leave the corpus out") from error
    except (requests.ConnectionError, requests.Timeout, HTTPError) as error:
        raise _Interrupted(f"the connection failed ({_short(error)})") from error
    except requests.RequestException as error:
        raise UserError(f"{url}: cannot be downloaded ({_short(error)}); leave the corpus out") from error
    except OSError as error:
        raise UserError(
            f"{partial.parent}: cannot be written ({error.strerror}); make room, or name another folder in {VARIABLE}"
        ) from error


def _headers(partial: Path) -> dict[str, str]:
    headers = {"User-Agent": f"mtdeep/{mtdeep.__version__}", "Accept-Encoding": "identity"}
    if partial.exists() and partial.stat().st_size and _mark(partial).exists():
        headers["Range"] = f"bytes={partial.stat().st_size}-"
        headers["If-Range"] = _mark(partial).read_text(encoding="ascii")
    return headers


def _receive(answer: Any, url: str, name: str, partial: Path, progress: ProgressReport) -> None:
    """Write the body of a response of requests behind the part, or in its place."""
    status = answer.status_code
    if status in _PASSING:
        raise _Interrupted(f"the server answers {status} {answer.reason}")
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        partial.unlink()
        raise _Interrupted("the server has less than the part that is here")
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise UserError(f"{url}: the server answers {status} {answer.reason}; the file may have moved, leave it out")
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise UserError(f"{url}: a web page, not the corpus; download it by hand, and give its file to another reader")
    done = partial.stat().st_size if status == HTTPStatus.PARTIAL_CONTENT else 0
    if done and not answer.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
        partial.unlink()
        raise _Interrupted("the server sends another part than the one asked for")
    length = answer.headers.get("Content-Length")
    total = done + int(length) if length else None
    if not done:
        partial.unlink(missing_ok=True)  # before it is said of what file the part is
        _remember(answer.headers, partial)
    progress.stage(f"download {name} (MiB)", total and total >> 20)
    with partial.open("ab" if done else "wb") as file:
        # As it comes: what is packed for the way (Content-Encoding) our readers know by its first bytes.
        for block in answer.raw.stream(_BLOCK, decode_content=False):
            file.write(block)
            done += len(block)
            progress.at(done >> 20)
    if total is not None and done != total:
        raise _Interrupted(f"{done:,} of {total:,} bytes came")


def _remember(headers: Any, partial: Path) -> None:
    """Keep by what the server can tell whether its file is still the same one, if it says anything of that kind."""
    tag = headers.get("ETag", "")
    mark = tag if tag.startswith('"') else headers.get("Last-Modified", "")  # a weak tag does not promise equal bytes
    if mark and mark.isascii():
        _mark(partial).write_text(mark, encoding="ascii")
    else:
        _mark(partial).unlink(missing_ok=True)


def _mark(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}-of")


def _short(error: BaseException) -> str:
    """Return what lies at the bottom of an error that says its whole history."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return " ".join(str(error).split())[:200] or type(error).__name__
