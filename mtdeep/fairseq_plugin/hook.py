"""The start-up hook: lets plain `fairseq-*` commands find mtdeep.

`mtdeep-fairseq.pth` calls `install` at every start of Python, so this file imports nothing that Python has not loaded
by then. `install` puts one finder in front of `sys.meta_path`; it lets every import pass but those of fairseq. When
fairseq 0.12.2 is imported, the patches of `compat` are applied around its modules, and once it is up
`registration.register` adds our architectures, tasks and criterions. `MTDEEP_NO_HOOK=1` switches all of it off.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing itself would cost more than the rest of the hook
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType, TracebackType

SUPPORTED = "0.12.2"
_PLUGIN = "mtdeep.fairseq_plugin."
_WITHOUT_FAIRSEQ = (_PLUGIN + "hook", _PLUGIN + "compat", _PLUGIN + "command", _PLUGIN + "__main__")


class Finder:
    """Watches the imports of fairseq and of the parts of mtdeep that need it; finds nothing of its own."""

    def __init__(self) -> None:
        self.acts = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders give, with the patches woven into its execution."""
        if fullname == "fairseq":
            return self._find_fairseq(path, target)
        if self.acts and fullname.startswith("fairseq."):
            from mtdeep.fairseq_plugin import compat

            return self._watch(fullname, path, target) if fullname in compat.watched_modules() else None
        if fullname.startswith(_PLUGIN) and not fullname.startswith(_WITHOUT_FAIRSEQ) and "fairseq" not in sys.modules:
            return _import_fairseq_first(fullname)
        return None

    def _find_fairseq(self, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        spec = self._find_elsewhere("fairseq", path, target)
        if spec is None or spec.origin is None:
            return spec
        found = _version(spec.origin)
        self.acts = found == SUPPORTED
        if not self.acts:
            _warn(
                f"mtdeep supports fairseq {SUPPORTED} and stays switched off: {os.path.dirname(spec.origin)} holds"
                f" version {found}. Remedy: pip install --no-deps fairseq=={SUPPORTED}"
            )
            return spec
        report_user_errors()
        return self._watch("fairseq", path, target)

    def _find_elsewhere(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is not self:
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    return spec
        return None

    def _watch(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        spec = self._find_elsewhere(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            from mtdeep.fairseq_plugin import compat

            compat.apply("before", fullname)
            execute(module)
            compat.apply("after", fullname)
            if fullname == "fairseq":
                from mtdeep.fairseq_plugin import registration

                registration.register()

        # On the loader's instance, so that its class stays what resource readers and debuggers expect.
        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _import_fairseq_first(fullname: str) -> ModuleSpec | None:
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


def install(*, explicitly: bool = False) -> None:
    """Put the finder in front of `sys.meta_path`, once; `explicitly` means whatever `MTDEEP_NO_HOOK` says."""
    if not explicitly and os.environ.get("MTDEEP_NO_HOOK", "0") not in ("", "0"):
        return
    if not installed():
        sys.meta_path.insert(0, Finder())


def installed() -> bool:
    """Whether the finder stands in `sys.meta_path`."""
    return any(isinstance(finder, Finder) for finder in sys.meta_path)


def report_user_errors() -> None:
    """End a program on a `UserError` with `error: ...` on standard error and exit code 2, without a traceback."""
    if getattr(sys.excepthook, "reports_user_errors", False):
        return
    previous = sys.excepthook

    def excepthook(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
        from mtdeep.errors import UserError

        if not isinstance(value, UserError):
            previous(kind, value, traceback)
            return
        print(f"error: {value}", file=sys.stderr)
        # CPython honours SystemExit from an excepthook; a plain return would make the exit code 1.
        raise SystemExit(2)

    excepthook.reports_user_errors = True  # type: ignore[attr-defined]
    sys.excepthook = excepthook


def _version(origin: str) -> str:
    """The version that the fairseq at `origin` (its `__init__.py`) states in its `version.py` or `version.txt`."""
    for name in ("version.py", "version.txt"):
        path = os.path.join(os.path.dirname(origin), name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return file.read().partition("=")[2].strip(" \n\"'") if name.endswith(".py") else file.read().strip()
    return "unknown"


def _warn(message: str) -> None:
    import warnings

    warnings.warn(message, stacklevel=2)
