"""`mtdeep store export-text`: the sentences of a corpus store as text, for any other program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtdeep.errors import UserError

if TYPE_CHECKING:
    from mtdeep.corpus.store import Store
    from mtdeep.corpus.text import Chosen
    from mtdeep.corpus.text.record import Table

_SHOWN = 20
"""Tables that are printed one by one."""
_DIRECTIONS = (
    "Files for each of these, rows that both languages have, in place of files over all languages: all, centric:CODE, "
    "en-de, ... (docs/corpus-store.md)."
)
_GAPS = "Write rows that lack languages, or none of them."
_OVERWRITE = "Replace what another export has written to the folder."


def _names(what: str, unless: str = "all that the store has") -> Any:
    return typer.Option(help=f"Comma list of {what}. [default: {unless}]", show_default=False)


def export_text(
    store: Annotated[Path, typer.Argument(help="Corpus store.")],
    out: Annotated[Path, typer.Argument(help="Folder for the files; made if need be.")],
    languages: Annotated[str, _names("codes")] = "",
    splits: Annotated[str, _names("splits")] = "",
    corpora: Annotated[str, _names("corpora", "all that the splits have")] = "",
    origins: Annotated[str, _names("human, mined, back_translated", "all")] = "",
    directions: Annotated[str, typer.Option(help=_DIRECTIONS, show_default=False)] = "",
    form: Annotated[str, typer.Option("--format", help="text (a file a language), tsv or jsonl.")] = "text",
    compress: Annotated[str, typer.Option(help="gz, xz or zst.", show_default=False)] = "",
    gaps: Annotated[bool, typer.Option("--gaps/--no-gaps", help=_GAPS)] = True,
    pieces: Annotated[bool, typer.Option("--pieces", help="Write pieces between blanks in place of text.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help=_OVERWRITE)] = False,
) -> None:
    """Write the text of a store: SPLIT.LANGUAGE, line i of each file being the same row.

    Where the store keeps raw text (every split but train) that is written, else what its pieces decode to.
    """
    from mtdeep.corpus.store import Store
    from mtdeep.corpus.text import export_text as export
    from mtdeep.durable import refusals_told
    from mtdeep.progress import ProgressReport

    _check_form(form, compress)
    if directions and languages:
        raise UserError("--directions names the languages itself; leave --languages out")
    opened = Store(store)
    rows = _chosen_rows(opened, splits, corpora, origins, languages, directions)
    chosen = replace(rows, gaps=gaps, pieces=pieces, form=form, compression=compress or None)
    with ProgressReport() as progress, refusals_told(out):
        tables, empty = export(opened, out, chosen, overwrite=overwrite, progress=progress.show)
    for line in _report(out, chosen, tables, empty):
        typer.echo(line)


def _check_form(form: str, compress: str) -> None:
    from mtdeep.compression import COMPRESSIONS
    from mtdeep.corpus.text import FORMATS

    if form not in FORMATS:
        raise UserError(f"--format {form}: there is no such format; give {', '.join(FORMATS)}")
    if compress and compress not in COMPRESSIONS:
        raise UserError(f"--compress {compress}: there is no such compression; give {', '.join(COMPRESSIONS)}")


def _chosen_rows(store: Store, splits: str, corpora: str, origins: str, languages: str, directions: str) -> Chosen:
    """Return what comma lists choose of a store, each of them all that there is where it is empty."""
    from mtdeep.corpus.directions import parse_directions
    from mtdeep.corpus.origins import ORIGINS
    from mtdeep.corpus.text import Chosen

    return Chosen(
        splits=_listed("--splits", splits, store.splits),
        corpora=_listed("--corpora", corpora, _corpora(store)),
        origins=_listed("--origins", origins, ORIGINS),
        languages=_codes(languages, store) if languages else (),
        directions=parse_directions(directions, store) if directions else (),
    )


def _listed(option: str, given: str, there: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a comma list in the order of those that there are; all of them for none."""
    from mtdeep.errors import shortened

    names = [name.strip() for name in given.split(",") if name.strip()]
    if unknown := [name for name in names if name not in there]:
        raise UserError(f"{option}: there is no {unknown[0]!r}, only {shortened(there, 20)}; correct it")
    return tuple(name for name in there if not names or name in names)


def _codes(given: str, store: Store) -> tuple[str, ...]:
    from mtdeep.languages import resolve

    codes = [resolve(code, store.languages) for code in given.split(",") if code.strip()]
    return _listed("--languages", ",".join(codes), store.languages)


def _corpora(store: Store) -> list[str]:
    return list(dict.fromkeys(corpus.name for split in store.splits for corpus in store.corpora(split)))


def _report(out: Path, chosen: Chosen, tables: Mapping[str, Table], empty: Sequence[str]) -> Iterator[str]:
    """Yield what was written, and what a reader of the files has to know."""
    from mtdeep.cli.store.info import counted
    from mtdeep.corpus.text.sentences import DECODED
    from mtdeep.errors import shortened

    for name, table in list(tables.items())[:_SHOWN]:
        sentences = sum(table.sentences.values())
        counts = counted(len(table.files), "file"), counted(table.rows, "row"), counted(sentences, "sentence")
        yield f"{name}: {', '.join(counts)}"
    if len(tables) > _SHOWN:
        yield f"and {len(tables) - _SHOWN:,} more; {out}/export.json has all of them"
    if empty:
        yield f"without sentences, and left out: {shortened(empty)}"
    lacking = [f"{name} ({code})" for name, table in tables.items() for code in chosen.languages
               if not table.sentences.get(code)]  # fmt: skip
    if lacking:
        yield f"languages without a sentence: {shortened(lacking)}"
    if decoded := [name for name, table in tables.items() if any(DECODED in of for of in table.text.values())]:
        yield f"decoded from the pieces, as the vocabulary's normalisation left the text: {shortened(decoded)}"
    unknown = sum((Counter(table.unknown) for table in tables.values()), Counter[str]())
    if unknown:
        by_language = ", ".join(f"{count:,} of {code}" for code, count in unknown.items())
        yield f"left out, since they have tokens that are unknown to the vocabulary: {by_language}"
    if mended := sum(table.mended for table in tables.values()):
        yield f"sentences with blanks for line ends or tabs, which --format jsonl keeps: {mended:,}"
    yield f"exported: {out}"
