"""The settings of a preparation as its report shows them: all that hold, and no place on the machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from data_prep.config import Config


def settings_section(config: Config) -> dict[str, Any]:
    """Return the configuration as plain data.

    Cleaning and corpora are as they were written: a split's section says how the former is resolved. Of absolute paths
    the file's name is left: the digests say which file it was.
    """
    given = config.model_dump(mode="json", exclude_unset=True)
    whole = config.model_dump(mode="json", include={"seed", "vocabulary", "deduplication", "leakage"})
    said = {**whole, "cleaning": given.get("cleaning", {}), "corpora": given["corpora"]}
    placeless: dict[str, Any] = _placeless(said)
    return placeless


def _placeless(value: Any) -> Any:
    match value:
        case str() if PurePath(value).is_absolute():
            return PurePath(value).name
        case Mapping():
            return {key: _placeless(item) for key, item in value.items()}
        case list():
            return [_placeless(item) for item in value]
    return value
