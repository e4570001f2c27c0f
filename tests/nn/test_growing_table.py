"""A table that threads share: each gets the rows that it asks for, of its type, whatever others ask for meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch
from torch import Tensor

from mtdeep.nn.growing_table import GrowingTable


def numbers(rows: int) -> Tensor:
    return torch.arange(rows, dtype=torch.float64)[:, None]


def test_threads_that_make_the_table_at_once() -> None:
    """The one that needs fewer rows may be the last to put down what it has made."""
    together = Barrier(2, timeout=20)

    def make(rows: int) -> Tensor:
        together.wait()
        return numbers(rows)

    table = GrowingTable(make)
    asked = [(1000, torch.float32), (3, torch.float32)]
    with ThreadPoolExecutor(2) as pool:
        tables = list(pool.map(lambda of: table(of[0], torch.empty(0, dtype=of[1])), asked))
    for (rows, dtype), given in zip(asked, tables, strict=True):
        assert given.dtype == dtype and len(given) >= rows
        torch.testing.assert_close(given[:rows], numbers(rows).to(dtype), rtol=0, atol=0)


def test_it_is_made_again_only_where_it_is_too_short() -> None:
    made: list[int] = []

    def make(rows: int) -> Tensor:
        made.append(rows)
        return numbers(rows)

    table, like = GrowingTable(make), torch.empty(0)
    for rows in (1, 256, 257, 514, 2):
        assert len(table(rows, like)) >= rows
    assert made == [256, 514]
    assert table(2, like.double()).dtype == torch.float64 and made == [256, 514, 256]
