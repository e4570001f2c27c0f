"""What the start-up hook does when fairseq is imported.

The patches of `compat` are applied around fairseq's modules, and once fairseq is up `registration.register` adds our
architectures, tasks and criterions. Nothing that goes wrong in between is swallowed.
"""

from __future__ import annotations

import multiprocessing
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from signal import SIGINT
from types import ModuleType, TracebackType

from mtdeep.durable import is_full, os_error, refusal
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin import compat
from mtdeep.fairseq_plugin.hook import Finder

SUPPORTED = "0.12.2"


def find_fairseq(
    finder: Finder, fullname: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    """The spec of fairseq or of one of its modules, prepared if it is of the supported version and patched."""
    if fullname != "fairseq" and fullname not in compat.watched_modules():
        return None
    spec = _find_elsewhere(finder, fullname, path, target)
    if spec is None or spec.origin is None:
        return spec
    if fullname == "fairseq":
        finder.acts = _is_supported(Path(spec.origin).parent)
        if finder.acts:
            report_user_errors()
    if finder.acts:
        _weave(spec)
    return spec


def find_command(
    finder: Finder, fullname: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    """The spec of a fairseq command's module, once fairseq is there, so that its version is known."""
    end_on_interrupt()
    import fairseq  # noqa: F401

    spec = _find_elsewhere(finder, fullname, path, target)
    if spec is not None and finder.acts:
        _weave(spec)
    return spec


def _find_elsewhere(
    finder: Finder, fullname: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    for other in sys.meta_path:
        if other is not finder:
            spec = other.find_spec(fullname, path, target)
            if spec is not None:
                return spec
    return None


def _is_supported(folder: Path) -> bool:
    version = _version(folder)
    if version != SUPPORTED:
        warnings.warn(
            f"mtdeep supports fairseq {SUPPORTED} and stays switched off: {folder} holds version {version}."
            f" Remedy: pip install --no-deps fairseq=={SUPPORTED}",
            stacklevel=2,
        )
    return version == SUPPORTED


def _version(folder: Path) -> str:
    """What fairseq states in its `version.py` (a release) or `version.txt` (a checkout)."""
    if (folder / "version.py").exists():
        return (folder / "version.py").read_text().partition("=")[2].strip(" \n\"'")
    if (folder / "version.txt").exists():
        return (folder / "version.txt").read_text().strip()
    return "unknown"


def _weave(spec: ModuleSpec) -> None:
    """Apply the patches before and after the module's execution, and then add what is ours."""
    assert spec.loader is not None
    execute = spec.loader.exec_module

    def exec_module(module: ModuleType) -> None:
        compat.apply("before", spec.name)
        execute(module)
        compat.apply("after", spec.name)
        if spec.name == "fairseq":
            from mtdeep.fairseq_plugin import registration

            registration.register()
        elif spec.name.startswith("fairseq_cli."):
            from mtdeep.fairseq_plugin.generation import commands

            commands.take_over(module)

    # On the loader's instance, so that its class stays what resource readers and debuggers expect.
    spec.loader.exec_module = exec_module  # type: ignore[method-assign]


def import_fairseq_before(fullname: str) -> ModuleSpec | None:
    """Import fairseq before our own module that needs it.

    fairseq's import ends with our registrations, which import all of our modules: had one of them begun on its own, it
    would be met half-executed. So it is executed in there, and its own import finds it done.
    """
    import fairseq  # noqa: F401

    if fullname not in sys.modules:
        return None
    done = sys.modules[fullname]
    assert done.__spec__ is not None and done.__spec__.loader is not None
    done.__spec__.loader.create_module = lambda spec: done  # type: ignore[method-assign]
    done.__spec__.loader.exec_module = lambda module: None  # type: ignore[method-assign]
    return done.__spec__


def report_user_errors() -> None:
    """End a program on a `UserError` or a full disk with `error: ...` and its exit code, without a traceback."""
    previous = sys.excepthook
    if previous.__name__ == "report_user_error":
        return

    def report_user_error(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
        error = os_error(value)
        if not isinstance(value, UserError) and error is not None and is_full(error):
            value = refusal(error.filename or "output", error.strerror, "make room")
        if not isinstance(value, UserError):
            previous(kind, value, traceback)
            return
        tell(value)
        # CPython honours SystemExit from an excepthook; a plain return would make the exit code 1.
        raise SystemExit(value.exit_code)

    sys.excepthook = report_user_error


def end_on_interrupt() -> None:
    """End a command that Ctrl-C stops with one line, without a traceback, and with the exit code of shells, 130."""
    previous = sys.excepthook
    if previous.__name__ in ("report_interrupt", "report_user_error"):
        return

    def report_interrupt(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
        if not isinstance(value, KeyboardInterrupt):
            previous(kind, value, traceback)
            return
        if multiprocessing.parent_process() is None:  # the process that the user has started says it
            print("stopped", *value.args, sep="; ", file=sys.__stderr__ or sys.stderr, flush=True)
        raise SystemExit(128 + SIGINT)

    sys.excepthook = report_interrupt


def tell(error: UserError) -> None:
    """Print what the user did wrong, on the process's own standard error.

    Not on `sys.stderr`: once processes train together, torch collects in it what an excepthook prints, and loses that
    when the hook ends the program.
    """
    print(f"error: {error}", file=sys.__stderr__ or sys.stderr, flush=True)
