"""The start-up hook: lets plain `fairseq-*` commands find mtdeep.

`mtdeep-fairseq.pth` calls `install` at every start of Python, so this file is short and imports nothing that Python
has not loaded by then. It puts one finder in front of `sys.meta_path`, which lets every import pass but those of
fairseq; what happens then is in `importing`. `MTDEEP_NO_HOOK=1` switches it off.
"""

import os
import sys

TYPE_CHECKING = False  # typing itself would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

PLUGIN = "mtdeep.fairseq_plugin."
# The parts of the plug-in that are there before fairseq is.
WITHOUT_FAIRSEQ = (PLUGIN + "hook", PLUGIN + "importing", PLUGIN + "compat", PLUGIN + "command", PLUGIN + "__main__")


class Finder:
    """Watches the imports of fairseq and of the parts of mtdeep that need it; finds nothing of its own."""

    acts = False  # becomes true when the supported version of fairseq is met

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """The spec that the other finders give, with the patches woven into its execution, or None."""
        if fullname == "fairseq" or (self.acts and fullname.startswith("fairseq.")):
            from mtdeep.fairseq_plugin import importing

            return importing.find_fairseq(self, fullname, path, target)
        if fullname.startswith("fairseq_cli."):
            from mtdeep.fairseq_plugin import importing

            return importing.find_command(self, fullname, path, target)
        if fullname.startswith(PLUGIN) and not fullname.startswith(WITHOUT_FAIRSEQ) and "fairseq" not in sys.modules:
            from mtdeep.fairseq_plugin import importing

            return importing.import_fairseq_before(fullname)
        return None


def install(*, explicitly: bool = False) -> None:
    """Put the finder in front of `sys.meta_path`, once; `explicitly` means whatever `MTDEEP_NO_HOOK` says."""
    if not installed() and (explicitly or os.environ.get("MTDEEP_NO_HOOK", "0") in ("", "0")):
        sys.meta_path.insert(0, Finder())


def installed() -> bool:
    """Whether the finder stands in `sys.meta_path`."""
    return any(isinstance(finder, Finder) for finder in sys.meta_path)
