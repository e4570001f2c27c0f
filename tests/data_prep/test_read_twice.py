"""Files that a pattern takes twice, by whatever names."""

from __future__ import annotations

from pathlib import Path

from data_prep.read_twice import read_twice
from data_prep.readers.plain_text import PlainText


def test_a_link_is_the_file_that_it_leads_to(tmp_path: Path) -> None:
    for name in ("a.en", "a.de"):
        (tmp_path / name).touch()
        (tmp_path / f"l{name}").symlink_to(name)
    file, link = (PlainText({code: tmp_path / f"{name}.{code}" for code in ("en", "de")}) for name in ("a", "la"))
    train, test = ("c", "train"), ("c", "test")
    (twice,) = read_twice({train: [file, link]}, frozenset([train]))
    assert twice == (train, f"{tmp_path}/la.en is read twice for split 'train'; leave it out, or narrow the pattern")
    (both,) = read_twice({train: [file], test: [link]}, frozenset([train]))
    assert both[1].startswith(f"{tmp_path}/a.en is read for split 'train' of 'c' and for 'test' of 'c'")
    assert not list(read_twice({train: [file, link]}, frozenset()))
