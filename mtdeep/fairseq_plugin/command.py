"""fairseq's commands under our own name, with the hook installed first.

Children that multiprocessing spawns begin by importing the main module of their parent, here this one: so the hook is
installed in them too, before they meet a name of fairseq's.
"""

from __future__ import annotations

import importlib
import sys

from mtdeep.fairseq_plugin import hook

hook.install(explicitly=True)

COMMANDS = {
    "train": "fairseq_cli.train",
    "generate": "fairseq_cli.generate",
    "interactive": "fairseq_cli.interactive",
    "preprocess": "fairseq_cli.preprocess",
    "validate": "fairseq_cli.validate",
    "eval-lm": "fairseq_cli.eval_lm",
    "score": "fairseq_cli.score",
    "hydra-train": "fairseq_cli.hydra_train",
}


def main() -> None:
    """Run the fairseq command named by the first argument with the arguments after it."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        asked = f"unknown command {sys.argv[1]!r}" if len(sys.argv) > 1 else "a command is missing"
        print(f"error: {asked}; use one of {', '.join(COMMANDS)}", file=sys.stderr)
        raise SystemExit(2)
    # multiprocessing imports the main module in a child by this name, but never one called __main__.
    sys.modules["__main__"].__spec__ = sys.modules[__name__].__spec__
    command = sys.argv.pop(1)
    sys.argv[0] = f"fairseq-{command}"
    importlib.import_module(COMMANDS[command]).cli_main()
