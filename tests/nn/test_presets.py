"""Architectures by name; tests/fairseq_plugin/test_architectures.py compares them with fairseq's."""

from __future__ import annotations

import pytest

from mtdeep.nn import Config
from mtdeep.nn.presets import NAMES, PRESETS
from mtdeep.nn.scheme import SCHEMES


def test_every_scheme_is_of_every_kind() -> None:
    assert set(NAMES.values()) == SCHEMES.keys()
    assert PRESETS.keys() >= {f"{name}_{kind}" for name in NAMES for kind in ("mt", "lm", "mlm")}


@pytest.mark.parametrize("name", PRESETS)
def test_each_describes_a_model_of_its_depth(name: str) -> None:
    config = Config.from_dict({**PRESETS[name], "source_vocabulary_size": 9, "target_vocabulary_size": 9})
    _, kind, *size = name.split("_")
    total = int(size[0]) if size else 12 if kind == "mt" else 6
    assert config.encoder_layers + config.decoder_layers == total
    assert (config.encoder_layers == 0, config.decoder_layers == 0) == (kind == "lm", kind == "mlm")
