"""`mtdeep store`: what one does with a corpus store that is there, a file a verb."""

from __future__ import annotations

import typer

from mtdeep.cli.store.export_fairseq import export_fairseq
from mtdeep.cli.store.export_text import export_text
from mtdeep.cli.store.import_fairseq import import_fairseq
from mtdeep.cli.store.info import info
from mtdeep.cli.store.verify import verify

store = typer.Typer(
    help="Look at a corpus store, check it, write it as text, and exchange it with fairseq's data-bin.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
store.command("info")(info)
store.command("verify")(verify)
store.command("export-fairseq")(export_fairseq)
store.command("export-text")(export_text)
store.command("import-fairseq")(import_fairseq)
