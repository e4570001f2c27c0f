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
#: Of configurations: sizes.
KEYS = {"size": "400", "valid": "20", "test": "20"}


def shortened(command: str) -> str:
    """Return a command with its sizes, numbers of updates and places replaced."""
    for option, value in {**UPDATES, **SIZES}.items():
        command = re.sub(rf"(?<=\s)({option}[ =])[\w.,]+", rf"\g<1>{value}", command)
    for place, value in PLACES.items():
        command = re.sub(rf"(?<!\S){place}(?![\w.])", value, command)
    return command


def smaller(configuration: str) -> str:
    """Return a configuration in YAML with its sizes replaced."""
    for key, value in KEYS.items():
        configuration = re.sub(rf"\b({key}: )\d+", rf"\g<1>{value}", configuration)
    return configuration
