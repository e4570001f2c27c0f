"""Print data_prep/cleaning/length_factors.tsv: how long each language's sentences are beside English ones.

Usage: python scripts/length_factors.py ntrex=FOLDER bible=FOLDER > data_prep/cleaning/length_factors.tsv

FOLDER holds one LANGUAGE.txt.gz a language, line i of each being the translation of line i of `eng.txt.gz`; a language
is taken from the first folder that has it. The table that ships was made from
- ntrex: NTREX-128 (github.com/MicrosoftTranslator/NTREX, commit 8561f6a6; Federmann, Kocmi and Xin 2022), CC BY-SA 4.0,
  all references of the 128 languages but English;
- bible: the SWORD modules in github.com/scrollmapper/bible_databases (commit a228a19) whose licence is public domain,
  verse by verse beside the American Standard Version. `languages.tsv` in the folder says which those are.
Numbers are all that is taken: medians of ratios of lengths.
"""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path

from data_prep.cleaning.length_factors import length_factors
from mtdeep.errors import UserError
from mtdeep.languages import resolve

REFERENCE = "eng"


def main(arguments: list[str]) -> None:
    """Print the table for name=FOLDER arguments."""
    table: dict[str, tuple[float, int, str]] = {"en": (1.0, 0, "")}
    for name, folder in (argument.split("=", 1) for argument in arguments):
        columns = {path.name.removesuffix(".txt.gz"): path for path in wanted(Path(folder))}
        texts = {code: lines(path) for code, path in columns.items()}
        for code, (factor, rows) in length_factors(texts, REFERENCE).items():
            table.setdefault(language(code), (factor, rows, name))
    print("# language, factor (characters of English for one of the language's), rows, source; see length_factors.py")
    for code, (factor, rows, name) in sorted(table.items()):
        if code:
            print(f"{code}\t{factor:.3f}\t{rows}\t{name}")


def wanted(folder: Path) -> list[Path]:
    """Return the files of a folder; those in the public domain where `languages.tsv` says what is."""
    files = sorted(folder.glob("*.txt.gz"))
    if not (folder / "languages.tsv").is_file():
        return files
    with (folder / "languages.tsv").open(encoding="utf-8", newline="") as stream:
        licences = {row["lang"]: row["licence"] for row in csv.DictReader(stream, delimiter="\t")}
    return [file for file in files if licences.get(file.name.removesuffix(".txt.gz"), "").lower() == "public domain"]


def language(code: str) -> str:
    """Return the canonical code, nothing for what is no language's (a second reference)."""
    try:
        return resolve(code)
    except UserError:
        return ""


def lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as stream:
        return [line.strip() for line in stream]


if __name__ == "__main__":
    main(sys.argv[1:])
