"""`mtdeep store ...`, run in process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from mtdeep.cli.store import store


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run a verb; errors are raised, but for an exit code."""

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(store, [str(argument) for argument in arguments], catch_exceptions=False)

    return invoke
