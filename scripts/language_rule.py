"""Print what the rule `language` rejects of true text and what it lets pass of text in other languages.

Usage: python scripts/language_rule.py FOLDER... [--min 0.02] [--lines 1000]

A folder holds one LANGUAGE.txt.gz a language, as docs/cleaning.md says of NTREX-128 and the Bible: every file as
itself, so that what is rejected is a mistake of the rule. Then each file's first 300 sentences as if they were in every
other language that the identifier knows. Files are named by their code; `spa_ref2` is taken for `spa`.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from data_prep.cleaning.identifiers import identifier
from data_prep.cleaning.language import Language, expected
from data_prep.cleaning.related import family
from data_prep.cleaning.texts import Texts
from data_prep.cleaning.transforms import transformed
from mtdeep.languages import find, resolve

_OF_OTHERS = 300
_SHOWN = 8
app = typer.Typer(add_completion=False)
Lines = Annotated[int, typer.Option(help="of each file, evenly spaced; 0: all")]


@app.command(help=__doc__)
def main(folders: list[Path], minimum: Annotated[float, typer.Option("--min")] = 0.02, lines: Lines = 0) -> None:
    """Print two tables."""
    rule = Language(min=minimum)
    files = {(path.parent.name, path.name.removesuffix(".txt.gz")): path for path in _files(folders)}
    texts = {key: (_code(key[1]), _sentences(path)) for key, path in files.items()}
    _print_losses(rule, texts, lines)
    _print_passes(rule, texts)


Sentences = dict[tuple[str, str], tuple[str, list[str]]]


def _print_losses(rule: Language, texts: Sentences, lines: int) -> None:
    shares = []
    for (folder, name), (code, sentences) in texts.items():
        some = sentences[:: max(1, len(sentences) // lines)] if lines else sentences
        if expected(rule.identifier, rule.model, code):
            below, _ = rule.outside(rule.scores(code, Texts(some)))
            shares.append((float(below.mean()), f"{folder}/{name}", code))
    print(f"rejected, min {rule.min:g}, of {len(shares)} files in languages that {rule.identifier} knows\n")
    print("| file | code | rejected |\n|---|---|---|")
    for share, file, code in sorted(shares, reverse=True)[:_SHOWN]:
        print(f"| {file} | {code} | {share:.2%} |")
    print(f"| median | | {np.median([share for share, _, _ in shares]):.2%} |\n")


def _print_passes(rule: Language, texts: Sentences) -> None:
    codes = sorted(identifier(rule.identifier, rule.model).languages)
    groups = [expected(rule.identifier, rule.model, code) for code in codes]
    passed: dict[str, list[tuple[float, str, str]]] = {"knows": [], "does not know": []}
    for (folder, name), (code, sentences) in texts.items():
        probabilities = identifier(rule.identifier, rule.model).probabilities(sentences[:_OF_OTHERS], groups)
        known = "knows" if expected(rule.identifier, rule.model, code) else "does not know"
        for other, of_text in zip(codes, probabilities):
            if family(other) != family(code):
                passed[known].append((float((of_text >= rule.min).mean()), f"{folder}/{name}", other))
    for known, shares in passed.items():
        mean = np.mean([share for share, _, _ in shares])
        print(f"let pass of text in languages that {rule.identifier} {known}: {mean:.2%} of {len(shares):,} cases")
    print("\n| file | taken for | let pass |\n|---|---|---|")
    for share, file, other in sorted(passed["knows"], reverse=True)[:_SHOWN]:
        print(f"| {file} | {other} | {share:.0%} |")


def _files(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.glob("*.txt.gz"))


def _code(name: str) -> str:
    return find(name) or resolve(name.split("_")[0])


def _sentences(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        given = [line.rstrip("\n") for line in lines if line.strip()]
    return [line for line in transformed(("c1", "nfc", "blanks"), given) if line]


if __name__ == "__main__":
    app()
