"""What SentencePiece's normalisation changes in text: the share of the lines, by rule and file, with the characters.

python scripts/normalisation.py FILE ...  (plain or compressed; after the default transforms of cleaning)
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from data_prep.cleaning.settings import Level
from data_prep.cleaning.transforms import transformed
from data_prep.normalisation import Changes
from data_prep.readers.opening import read_blocks

RULES = ("nmt_nfkc", "script_nfkc")
LEAST = 0.01
"""Share of a file's lines that must be changed by one rule at least for the file to have a line here."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    rules = {rule: Changes(rule) for rule in RULES}
    for path in parser.parse_args().files:
        text = b"".join(read_blocks(path)).decode("utf-8")
        lines = [line for line in transformed(Level().transforms, text.split("\n")) if line]
        shares, characters = [], Counter[str]()
        for rule, changes in rules.items():
            changed = [changes.of(set(line)) for line in lines]
            shares.append(sum(map(bool, changed)) / max(1, len(lines)))
            if rule == RULES[0]:
                characters.update(f"U+{ord(one):04X}" for of_line in changed for one in of_line)
        if max(shares) >= LEAST:
            most = ", ".join(name for name, _ in characters.most_common(4))
            print(f"| {path.name.split('.')[0]} | {' | '.join(f'{share:.1%}' for share in shares)} | {most} |")


if __name__ == "__main__":
    main()
