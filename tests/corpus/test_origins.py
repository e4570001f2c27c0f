"""Origins of corpora, and their weights as a user writes them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mtdeep.corpus import Store
from mtdeep.corpus.origins import parse_origin_weights
from mtdeep.errors import UserError


def test_origin_of_a_corpus(make_store: Callable[..., Store]) -> None:
    """As the provenance has it, human where it is silent; one that nobody knows is told when it is asked for."""
    data = {("train", name): {"en": [[4]]} for name in "abc"}
    corpora = make_store(data, origins={"b": "back_translated", "c": "dreamt"}).corpora("train")
    assert [corpus.origin for corpus in corpora[:2]] == ["human", "back_translated"]
    with pytest.raises(UserError, match="corpus 'c' has the origin 'dreamt', which is none of human, mined"):
        _ = corpora[2].origin


def test_weights_of_origins() -> None:
    """In any order, with spaces."""
    assert parse_origin_weights("mined=0.5, back_translated = 0") == {"mined": 0.5, "back_translated": 0.0}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "'' is not of the form ORIGIN=WEIGHT; the origins are human, mined, back_translated"),
        ("bt=0.5", "'bt=0.5' is not of the form"),
        ("mined", "the weight '' is not a number"),
        ("mined=-1", "the weight -1 is not finite and 0 or more"),
        ("mined=inf", "the weight inf is not finite"),
        ("mined=1,mined=2", "the origin mined has two weights"),
    ],
)
def test_bad_weights(spec: str, message: str) -> None:
    """What is wrong is named."""
    with pytest.raises(UserError, match=message):
        parse_origin_weights(spec)
