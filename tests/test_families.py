"""Families and branches of well-known languages."""

from __future__ import annotations

import pytest

from mtdeep.families import branch, family


@pytest.mark.parametrize(
    ("code", "of_family", "of_branch"),
    [
        ("en", "ine", "gem"),
        ("pt-BR", "ine", "itc"),
        ("sr-Latn", "ine", "sla"),
        ("hi", "ine", "iir"),
        ("hy", "ine", "ine"),  # a branch of its own
        ("fi", "urj", "fiu"),
        ("zh-Hans", "sit", "zhx"),
        ("ar", "afa", "sem"),
        ("sw", "nic", "alv"),
        ("te", "dra", "dra"),
        ("ko", "ko", "ko"),  # no relatives
        ("gsw-x-bern", "ine", "gem"),
        ("acu", "acu", "acu"),  # CLDR has it nowhere
    ],
)
def test_family_and_branch(code: str, of_family: str, of_branch: str) -> None:
    """ISO 639-5: Indo-European, Uralic, Sino-Tibetan, Afro-Asiatic, Niger-Kordofanian, Dravidian."""
    assert (family(code), branch(code)) == (of_family, of_branch)
