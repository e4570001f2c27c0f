"""A model's configuration in a YAML file: one field of `nn.Config` a line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtdeep import yaml_lines
from mtdeep.errors import UserError
from mtdeep.nn.config import Config


def read_config(path: Path, changes: Mapping[str, Any]) -> Config:
    """Return the configuration in the file, with some fields changed.

    Raises UserError that names the file and everything wrong in it.
    """
    document, _ = yaml_lines.load(path)
    if not isinstance(document, dict):
        raise UserError(f"{path}:1: holds no fields of a model; write `scheme: deepnorm` and so on, one a line.")
    try:
        return Config.from_dict({**{str(name): value for name, value in document.items()}, **changes})
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: {error}; mend these fields.") from None
