"""What to do where a rule rejects most of a language's text, which may be right and the rule wrong."""

from __future__ import annotations

from collections.abc import Sequence

from data_prep.cleaning.language import Language
from data_prep.cleaning.script import Script

_SETTINGS = {
    Script().reasons()[0]: ("script: {scripts: [...]}", ", with the ISO 15924 codes of the scripts that it is in"),
    Language().reasons()[0]: ("language: false", ""),
}
"""Reason -> what the configuration says of a language that it must not hold for, and how that is meant."""


def remedy(reason: str, languages: Sequence[str]) -> str:
    """Return the question and the setting that end a message on what *reason* took of *languages*; nothing of most."""
    if reason not in _SETTINGS:
        return ""
    setting, meaning = _SETTINGS[reason]
    levels = ", ".join(f"{code}: {{{setting}}}" for code in languages)
    return f"; are the files exchanged or mislabelled? If not, write `cleaning: {{languages: {{{levels}}}}}`{meaning}"
