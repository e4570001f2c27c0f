"""What is drawn when corpora of one direction weigh differently, and what a file of weights says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from mtdeep.corpus import Direction, DirectionView, Mixture, Schedule, Store, direction_views, mixture
from mtdeep.corpus.sampling import Temperature, unimax
from mtdeep.corpus.weights_file import FileWeights
from mtdeep.errors import UserError

ORIGINS = {"web": "mined", "bt": "back_translated"}


@pytest.fixture
def views(make_store: Callable[..., Store]) -> list[DirectionView]:
    """English to German: 10 human, 5 more human, 30 mined; to Chinese 20 back-translated; to Serbian the 5 again."""
    sentences = [[4 + i] for i in range(30)]
    store = make_store(
        {
            ("train", "news"): {"en": sentences[:10], "de": sentences[:10]},
            ("train", "web"): {"en": sentences, "de": sentences},
            ("train", "books"): {code: sentences[:5] for code in ("en", "de", "sr-Latn")},
            ("train", "bt"): {"en": sentences[:20], "zh-Hans": sentences[:20]},
        },
        origins=ORIGINS,
    )
    return direction_views(store, "train", [Direction("en", code) for code in ("de", "zh-Hans", "sr-Latn")])


def shares(mixed: Mixture) -> dict[str, float]:
    """Share by name of the view."""
    return dict(zip(map(str, mixed.views), mixed.probabilities.tolist(), strict=True))


def test_without_weights_directions_stay_whole(views: list[DirectionView]) -> None:
    """45, 20 and 5 examples at T = 1."""
    mixed = mixture(views, Temperature(1.0), {})
    assert mixed.views == tuple(views)
    assert shares(mixed) == pytest.approx({"en-de": 45 / 70, "en-zh_Hans": 20 / 70, "en-sr_Latn": 5 / 70})


@pytest.mark.parametrize(("temperature", "power"), [(1.0, 1.0), (2.0, 0.5), (np.inf, 0.0)])
def test_an_example_counts_what_its_origin_weighs(
    views: list[DirectionView], temperature: float, power: float
) -> None:
    """To German 15 + 30/2 = 30, half of them mined; to Chinese 20/5 = 4; to Serbian 5: p ~ n^(1/T) of these."""
    mixed = mixture(views, Temperature(temperature), {"mined": 0.5, "back_translated": 0.2})
    de, zh, sr = (n**power / (30**power + 4**power + 5**power) for n in (30, 4, 5))
    assert shares(mixed) == pytest.approx(
        {
            "en-de (human)": de / 2,
            "en-de (mined)": de / 2,
            "en-zh_Hans (back_translated)": zh,
            "en-sr_Latn (human)": sr,
        }
    )
    assert [[c.name for c in view.corpora] for view in mixed.views] == [["news", "books"], ["web"], ["bt"], ["books"]]


def test_a_cap_holds_for_the_heaviest_examples(views: list[DirectionView]) -> None:
    """UniMax with N = 2: German has 15 human examples of weight 1 beside 30 of a half, so at most 2 (15 + 15) draws."""
    budget = 2 * (30 + 20 + 5)
    mixed = mixture(views, unimax(2, budget), {"mined": 0.5})
    schedule = Schedule(np.array([len(view) for view in mixed.views]), mixed.probabilities, budget // 2, seed=3)
    assert dict(zip(map(str, mixed.views), schedule.expected_epochs(budget), strict=True)) == pytest.approx(
        {"en-de (human)": 2, "en-de (mined)": 1, "en-zh_Hans (back_translated)": 2, "en-sr_Latn (human)": 2}
    )
    drawn = [schedule.examples(pool) for pool in range(2)]
    assert np.bincount(np.concatenate([100 * d + e for d, e in drawn])).max() == 2


def test_weight_0_leaves_out(views: list[DirectionView]) -> None:
    """A direction that has nothing else is not drawn."""
    mixed = mixture(views, Temperature(np.inf), {"back_translated": 0.0})
    assert shares(mixed)["en-zh_Hans (back_translated)"] == 0
    assert shares(mixed)["en-sr_Latn (human)"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("chosen", "weights", "message"),
    [
        (slice(2, 3), {"mined": 0.5}, "--origin-weights names mined, but these directions have only human text"),
        (slice(3), {"human": 0.0, "mined": 0.0, "back_translated": 0.0}, "gives everything the weight 0"),
    ],
)
def test_weights_without_effect(
    views: list[DirectionView], chosen: slice, weights: Mapping[str, float], message: str
) -> None:
    """Refused."""
    with pytest.raises(UserError, match=message):
        mixture(views[chosen], Temperature(1.0), weights)


def from_file(path: Path, views: list[DirectionView], text: str) -> FileWeights:
    """The weights of a file with this text."""
    path.write_text(text, encoding="utf-8")
    return FileWeights.read(path, views)


def test_weights_of_directions(views: list[DirectionView], tmp_path: Path) -> None:
    """Any spelling; shares are in proportion to the weights, whatever the sizes."""
    weights = from_file(tmp_path / "w", views, "en-de 3 # most\n\neng_Latn-zho_Hans\t1.0\nen-sr_Latn   0\n")
    assert shares(mixture(views, weights, {})) == pytest.approx({"en-de": 0.75, "en-zh_Hans": 0.25, "en-sr_Latn": 0})
    by_origin = shares(mixture(views, weights, {"mined": 0.5}))
    assert by_origin["en-de (mined)"] == by_origin["en-de (human)"] == pytest.approx(0.375)


def test_weights_of_corpora(views: list[DirectionView], tmp_path: Path) -> None:
    """A corpus has its share, and its directions' examples are drawn alike; nobody is cut who need not be."""
    mixed = mixture(views, from_file(tmp_path / "w", views, "news 1\nweb 1\nbooks 2\nbt 0\n"), {})
    assert shares(mixed) == pytest.approx(
        {
            "en-de (news)": 0.25,
            "en-de (web)": 0.25,
            "en-de (books)": 0.25,
            "en-zh_Hans (bt)": 0,
            "en-sr_Latn (books)": 0.25,
        }
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("en-de\n", r"w:1: 'en-de' is not of the form `de-en 2.0`"),
        ("en-de two\n", r"w:1: the weight 'two' is not a number"),
        ("\nen-de -2\n", r"w:2: the weight -2 is not finite and 0 or more"),
        ("en-de 1\nen-deu 2\n", r"w:2: en-de has a weight already"),
        ("en-de 1\nde-en 1\n", r"w:2: de-en is neither a direction nor a corpus of this training"),
        ("en-de 1\nweb 1\n", r"w:2: web: weights are by direction or by corpus"),
        ("en-de 1\n", r"w: no line for en-sr_Latn, en-zh_Hans; add one"),
        ("web 1\nbt 1\nnews 1\n", r"w: no line for books; add one"),
        ("web 0\nbt 0\nnews 0\nbooks 0\n", r"w: every weight is 0"),
    ],
)
def test_bad_file(views: list[DirectionView], tmp_path: Path, text: str, message: str) -> None:
    """File, and line where one is to blame."""
    with pytest.raises(UserError, match=message):
        from_file(tmp_path / "w", views, text)


def test_a_word_that_is_no_sampling(views: list[DirectionView], tmp_path: Path) -> None:
    """It would be a file; the sentence says what else there is."""
    with pytest.raises(UserError, match=r"unimx: cannot be read .*, or one of temperature, unimax and capped"):
        FileWeights.read(tmp_path / "unimx", views)


def test_another_mixture_has_other_facts(views: list[DirectionView]) -> None:
    """A place in the order of one mixture means nothing in another's."""
    facts = [
        mixture(views, Temperature(1.0), {}).facts(),
        mixture(views, Temperature(2.0), {}).facts(),
        mixture(views, unimax(1, 40), {}).facts(),
        mixture(views, unimax(1, 41), {}).facts(),
        mixture(views[:2], Temperature(1.0), {}).facts(),
        mixture(views, Temperature(1.0), {"mined": 0.5}).facts(),
        mixture(views, Temperature(1.0), {"mined": 0.6}).facts(),
        mixture([DirectionView(v.direction, v.corpora, {"mined": 7}) for v in views], Temperature(1.0), {}).facts(),
    ]
    assert all(one != other for i, one in enumerate(facts) for other in facts[:i])
    assert mixture(views, Temperature(1.0), {}).facts() == facts[0]
