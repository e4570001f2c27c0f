from __future__ import annotations

import pytest

from mtdeep.errors import UserError
from mtdeep.planning import format_bytes, parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [("80GB", 80 * 10**9), ("40 GiB", 40 * 2**30), ("512mb", 512 * 10**6), ("1.5TB", 15 * 10**11), ("7B", 7)],
)
def test_amounts(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["80", "GB", "80 gigs", "-1GB", "1e3GB", ""])
def test_no_amounts(text: str) -> None:
    with pytest.raises(UserError, match="no amount of memory; write a number and one of B, KB"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1 KB"), (999_600, "1 MB"), (18_346_803_200, "18.3 GB")]
)
def test_shown(size: int, text: str) -> None:
    assert format_bytes(size) == text
