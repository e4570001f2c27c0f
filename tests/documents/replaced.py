"""All that the tests replace in what the pages print: sizes, numbers of updates, places. No option comes or goes.

A number is replaced where it follows the option or the key; a place wherever it stands as a whole word.
"""

from __future__ import annotations

import re

#: Of commands: numbers of updates.
UPDATES = {
    "--max-update": "4",
    "--updates-per-epoch": "2",
    "--warmup-updates": "2",
    "--warmup": "1",
    "--steps": "2",
    "--turn-at": "2",
}
#: Of commands: sizes, of models and of data.
SIZES = {
    "--encoder-layers": "1",
    "--decoder-layers": "1",
    "--encoder-embed-dim": "16",
    "--decoder-embed-dim": "16",
    "--encoder-ffn-embed-dim": "16",
    "--decoder-ffn-embed-dim": "16",
    "--encoder-attention-heads": "2",
    "--decoder-attention-heads": "2",
    "--depths": "2,4",
    "--width": "16",
    "--sampling-budget": "200",
}
#: Of commands: words in capitals, which stand for what is the reader's own.
PLACES = {"ROWS": "400"}
#: Of configurations: sizes, and numbers of updates.
KEYS = {
    "size": "700",
    "valid": "20",
    "test": "20",
    **{option.removeprefix("--").replace("-", "_"): value for option, value in {**UPDATES, **SIZES}.items()},
}


def shortened(command: str) -> str:
    """Return a command with its sizes, numbers of updates and places replaced."""
    for option, value in {**UPDATES, **SIZES}.items():
        command = replaced(command, rf"(?<=\s)({option}[ =])([\d,]+)", value)
    for place, value in PLACES.items():
        command = re.sub(rf"(?<!\S){place}(?![\w.])", value, command)
    return command


def smaller(configuration: str) -> str:
    """Return a configuration in YAML with its sizes replaced."""
    for key, value in KEYS.items():
        configuration = replaced(configuration, rf"\b({key}: )(\d+)", value)
    return configuration


def replaced(text: str, pattern: str, value: str) -> str:
    """Return the text with the second group of the pattern replaced, but where what is printed is less already."""

    def smallest(found: re.Match[str]) -> str:
        return found[1] + min(found[2], value, key=lambda numbers: int(numbers.split(",")[-1]))

    return re.sub(pattern, smallest, text)
