"""A folder of --user-dir that is none ends in one sentence; what its own code raises is Python's to print."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
from fairseq import utils

from mtdeep.errors import UserError


def load(path: Path) -> None:
    utils.import_user_module(Namespace(user_dir=str(path)))


@pytest.fixture(autouse=True)
def path_as_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """fairseq puts the folder's parent into `sys.path`."""
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere", "does not exist"),
        ("some.folder", "cannot be imported as a module"),
        ("json", "another module has this name already"),
    ],
)
def test_a_folder_that_is_no_module(name: str, reason: str, tmp_path: Path) -> None:
    if name != "nowhere":
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=f"^--user-dir {tmp_path / name}:? {reason}"):
        load(tmp_path / name)


@pytest.mark.parametrize(
    ("code", "kind"), [("open('/nowhere/file')", FileNotFoundError), ("import nowhere_module", ModuleNotFoundError)]
)
def test_mistakes_of_the_module(code: str, kind: type[Exception], tmp_path: Path) -> None:
    folder = tmp_path / f"user_{kind.__name__}"
    folder.mkdir()
    (folder / "__init__.py").write_text(code)
    with pytest.raises(kind):
        load(folder)
