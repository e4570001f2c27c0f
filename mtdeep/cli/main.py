"""The entry point of `mtdeep`: one typer application, one file a verb.

The verbs' files import what is heavy inside their functions, so that `mtdeep --help` stays quick.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from mtdeep.cli.average import average
from mtdeep.cli.doctor import doctor
from mtdeep.cli.evaluate import evaluate
from mtdeep.cli.grow import grow
from mtdeep.cli.leak_check import leak_check
from mtdeep.cli.plan import plan
from mtdeep.cli.prepare import prepare
from mtdeep.cli.probe import probe
from mtdeep.cli.store import store
from mtdeep.cli.version import print_versions
from mtdeep.durable import is_full, os_error, refusal
from mtdeep.errors import UserError

app = typer.Typer(
    help="Extremely deep many-to-many translation on fairseq's own commands.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=print_versions, help="Print versions and exit."),
    ] = False,
) -> None:
    """Take what stands before the verb; typer shows the application's own help."""


app.command("prepare")(prepare)
app.command("leak-check")(leak_check)
app.command("plan")(plan)
app.command("average")(average)
app.command("grow")(grow)
app.command("evaluate")(evaluate)
app.command("probe")(probe)
app.add_typer(store, name="store")
app.command("doctor")(doctor)


def run() -> None:
    """Run the command line; a `UserError` becomes `error: ...` on standard error, then its notes, and exit code 2.

    So does a full disk that no verb has named a place for: that of standard output, or of temporary files.
    """
    try:
        app([_at_home(argument) for argument in sys.argv[1:]], prog_name="mtdeep")
    except UserError as problem:
        print(f"error: {problem}", *getattr(problem, "__notes__", ()), sep="\n", file=sys.stderr)
        raise SystemExit(2) from None
    except Exception as problem:
        error = os_error(problem)
        if error is None or not is_full(error):
            raise
        print(f"error: {refusal(error.filename or 'output', error.strerror, 'make room')}", file=sys.stderr)
        raise SystemExit(2) from None


def _at_home(argument: str) -> str:
    """Return an argument with `~` as the home folder, which no shell knows in `--option=~/path`."""
    option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    return f"{option}{equals}{os.path.expanduser(value)}"


if __name__ == "__main__":
    run()
