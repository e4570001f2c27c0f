"""Every reader on the damaged inputs of its format, and on a whole file of which some bytes were changed."""

from __future__ import annotations

import damaged_archives
import damaged_lines
import damaged_xml
import pytest

TABLES = (damaged_lines, damaged_xml, damaged_archives)
CASES = {name: case for table in TABLES for name, case in table.CASES.items()}
WHOLE = {name: case for table in TABLES for name, case in table.WHOLE.items()}


@pytest.mark.parametrize("name", CASES)
def test_damage_is_told_or_counted(told_or_counted, name: str) -> None:
    told_or_counted(*CASES[name])


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_with_changed_bytes_is_read_or_refused(read_or_refused, name: str) -> None:
    read_or_refused(name, *WHOLE[name])
