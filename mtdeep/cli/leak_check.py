"""`mtdeep leak-check`: what of test sets is in training text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtdeep.errors import UserError


def leak_check(
    store: Annotated[
        Path | None, typer.Argument(help="Corpus store, whose training split is searched; or give --train.")
    ] = None,
    test: Annotated[
        list[str] | None,
        typer.Option(
            help="Test set: a file, a path with {language} in it, a store, or options in braces as in a configuration, "
            "'{reader: tsv, path: a.tsv, columns: {en: 1, de: 2}}'; repeatable. [default: the store's scored splits]",
            show_default=False,
        ),
    ] = None,
    train: Annotated[
        list[str] | None, typer.Option(help="Training corpus, written as a test set is; repeatable.")
    ] = None,
    languages: Annotated[
        str, typer.Option(help="Comma list of codes, as {language} has them; all by default.", show_default=False)
    ] = "",
    near: Annotated[bool, typer.Option("--near/--exact-only", help="Search for near matches too.")] = True,
    samples: Annotated[int, typer.Option(min=0, help="Samples shown of each kind, test set and language.")] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file too.")] = None,
    work: Annotated[
        Path, typer.Option(help="Folder for what is found on the way; a killed run goes on in it.")
    ] = Path("leak-check"),
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a core by default.")] = None,
) -> None:
    """Search training text for the sentences of test sets, exact and near, in every language for itself.

    Exit code 0: nothing found; 1: sentences of test sets are in training text; 2: bad input.
    """
    from data_prep.engine.pool import Pool, local
    from data_prep.leak_check.check import LeakCheck
    from data_prep.leak_check.sources import corpora_of, scored_splits
    from data_prep.leak_check.table import print_report
    from mtdeep.corpus.store import Store
    from mtdeep.durable import refusals_told
    from mtdeep.progress import ProgressReport

    if (store is None) == (not train):
        raise UserError("give a store, or training corpora with --train: one of the two")
    if store is None and not test:
        raise UserError("--train needs test sets to search for; give them with --test")
    if json_file and json_file.is_dir():
        raise UserError(f"--json {json_file}: a folder; give a file")
    if json_file and not json_file.parent.is_dir():
        raise UserError(f"--json {json_file}: there is no folder {json_file.parent}; make it first")
    if work.exists() and not work.is_dir():
        raise UserError(f"--work {work}: not a folder; give another one")
    opened = Store(store) if store is not None else None
    given = [code.strip() for code in languages.split(",") if code.strip()]
    codes = given or list(opened.languages if opened else ())
    tests = corpora_of("--test", test, codes) if test else scored_splits(opened, given) if opened else []
    corpora = corpora_of("--train", train or (), codes)
    with ProgressReport() as progress, refusals_told(work), Pool(work, local(workers), progress) as pool:
        check = LeakCheck(pool, progress, near=near, samples=samples)
        report = check.of_store(opened, tests) if opened else check.of_corpora(corpora, tests)
    print_report(report)
    if json_file:
        report.write(json_file)
    typer.echo(f"folder {work}/: what was read and found, kept for the next run; it may be removed")
    raise typer.Exit(1 if report.leaks else 0)
