"""Several configurations: what is written, what is read again, and what is refused before anything is written."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from mtdeep.errors import UserError
from mtdeep.nn import EncoderDecoder, build_model
from mtdeep.probe import Data, Settings, from_checkpoint, from_checkpoints, from_yaml, probe, sweep, swept
from mtdeep.probe.curves import CURVES

SETTINGS = Settings(steps=2, batch_tokens=60)


@pytest.fixture(scope="module")
def candidates():  # type: ignore[no-untyped-def]
    return swept(["deepnorm", "residual", "postln"], [2, 4], width=16, vocabulary_size=64)


@pytest.fixture(scope="module")
def folder(candidates, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("probe")
    probe(candidates, SETTINGS, Data(), path)
    return path


def test_everything_is_in_the_json(candidates, folder: Path) -> None:
    found = json.loads((folder / "probe.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert set(found["versions"]) == {"mtdeep", "torch", "numpy"}
    assert found["settings"] == {
        "steps": 2, "learning_rate": 5e-4, "warmup": 0, "precision": "fp32", "seed": 1, "batch_tokens": 60,
        "depth_rates": None,
    }  # fmt: skip
    assert [record["name"] for record in found["configurations"]] == [candidate.name for candidate in candidates]
    names = {name.split()[0] for growth in found["growth"] for name in growth["names"]}
    assert names == {"deepnorm", "residual", "postln"}
    for record, candidate in zip(found["configurations"], candidates, strict=True):
        assert record["width"] == 16
        assert record["config"] == candidate.config.to_dict()
        assert record["parameters"] == sum(p.numel() for p in candidate.build(1).parameters())
        assert record["verdict"]["outcome"] in ("trains", "at risk", "will not train")
        assert len(record["updates"]) == 2
        layers = candidate.config.encoder_layers
        for moment in ("start", "end"):
            for stack in ("encoder", "decoder"):
                assert len(record[moment]["states"][stack]["layers"]) == layers + 1
                assert len(record[moment]["gradients"][stack]["layers"]) == layers
                assert len(record[moment]["gradients"][stack]["stream"]) == layers + 1
                assert record[moment]["states"][stack]["output"]["kernel"]["effective_rank"] > 0
            assert record[moment]["source"]["nll_other"] is not None
        for update in ("after_one", "after_all"):
            assert set(record[update]) == {"encoder", "decoder"}


class References(HTMLParser):
    """What a page would load or lead to, its text, and its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: list[str] = []
        self.pictures: list[bytes] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("src", "href", "srcset", "action", "data") and value is not None:
                if value.startswith("data:image/png;base64,"):
                    self.pictures.append(base64.b64decode(value.partition(",")[2], validate=True))
                else:
                    self.elsewhere.append(value)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_else_and_names_every_configuration(candidates, folder: Path) -> None:
    source = (folder / "index.html").read_text(encoding="utf-8")
    page = References()
    page.feed(source)
    assert page.elsewhere == []
    assert not re.search(r"https?://|@import|url\(|<script|<link", source)
    for candidate in candidates:
        assert candidate.name in page.text
    assert "Width 16; made-up sentences" in page.text
    assert sorted(page.pictures) == sorted(path.read_bytes() for path in folder.glob("*.png"))


def test_pictures_are_there_and_not_blank(folder: Path) -> None:
    names = {path.name for path in folder.glob("*.png")}
    assert names == {curve.file for curve in CURVES} | {"model_update.png", "sgd.png", "loss.png"}
    for name in names:
        pixels = imread(folder / name)[:, :, :3]
        coloured = (pixels.max(axis=2) - pixels.min(axis=2) > 0.2).mean()
        assert 0.001 < coloured < 0.5, name
        assert np.all(np.array(pixels.shape[:2]) > 200)


def test_a_plot_with_nothing_in_it_is_left_out(tmp_path: Path, tiny_config, save_model) -> None:
    """The update by gradient descent is drawn over depth, of models that are new; no other source without pairs."""
    config = tiny_config(64, scheme="vanilla", encoder_layers=0)
    checkpoint = from_checkpoint(save_model(tmp_path / "lm.pt", build_model(config)))
    report = probe([checkpoint], SETTINGS, Data(), tmp_path / "out")
    drawn = {path.name for path in report.files} - {"index.html", "probe.json"}
    expected = {curve.file for curve in CURVES} | {"model_update.png", "loss.png"}
    assert drawn == expected - {"norm_input.png"} == {path.name for path in (tmp_path / "out").glob("*.png")}
    assert "per unit of learning rate" not in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_a_killed_sweep_goes_on(candidates, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the third configuration: the first two are not measured again, and the report is the same."""
    measured = []
    measure = sweep.measure

    def killed(model, *rest):  # type: ignore[no-untyped-def]
        if len(measured) == 2:
            raise KeyboardInterrupt
        measured.append(model.config)
        return measure(model, *rest)

    monkeypatch.setattr(sweep, "measure", killed)
    with pytest.raises(KeyboardInterrupt):
        probe(candidates, SETTINGS, Data(), tmp_path)
    assert not (tmp_path / "probe.json").exists()

    def counted(model, *rest):  # type: ignore[no-untyped-def]
        measured.append(model.config)
        return measure(model, *rest)

    monkeypatch.setattr(sweep, "measure", counted)
    probe(candidates, SETTINGS, Data(), tmp_path)
    assert measured == [candidate.config for candidate in candidates]
    assert (tmp_path / "probe.json").read_bytes() == (folder / "probe.json").read_bytes()
    assert (tmp_path / "index.html").read_bytes() == (folder / "index.html").read_bytes()


def test_other_settings_and_damaged_records_are_measured_anew(
    candidates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []
    measure = sweep.measure
    monkeypatch.setattr(sweep, "measure", lambda model, *rest: (measured.append(1), measure(model, *rest))[1])
    monkeypatch.setattr(sweep.pictures, "draw_all", lambda records, folder: [])  # most of the time, and not looked at
    for expected, settings in ((1, SETTINGS), (1, SETTINGS), (2, Settings(steps=1, batch_tokens=60))):
        probe(candidates[:1], settings, Data(), tmp_path)
        assert len(measured) == expected
    (record,) = (tmp_path / "measured").iterdir()
    record.write_bytes(record.read_bytes()[:100])
    probe(candidates[:1], Settings(steps=1, batch_tokens=60), Data(), tmp_path)
    assert len(measured) == 3


def test_what_is_not_finite_is_null_and_has_a_verdict(tmp_path: Path) -> None:
    """A rate at which the weights overflow."""
    (candidate,) = swept(["preln"], [2], width=16, vocabulary_size=64)
    (record,) = probe([candidate], Settings(steps=3, learning_rate=1e38, batch_tokens=60), Data(), tmp_path).records
    assert record["verdict"]["outcome"] == "will not train"
    assert record["end"]["nll"] is None
    assert (tmp_path / "index.html").stat().st_size > 10_000


def test_a_checkpoint_has_its_own_weights(tiny_config, save_model, tmp_path: Path) -> None:
    model = EncoderDecoder(tiny_config(64))
    path = save_model(tmp_path / "checkpoint_best.pt", model)
    candidate = from_checkpoint(path)
    assert candidate.name == "checkpoint_best"
    path.unlink()  # the file is read once
    for _ in range(2):
        built = candidate.build(seed=5)
        assert all((a == b).all() for a, b in zip(built.parameters(), model.parameters(), strict=True))
        with torch.no_grad():
            built.encoder.embed_tokens.weight.zero_()  # as a measurement changes the weights


def test_checkpoints_of_one_name_are_told_apart_by_their_folders(tiny_config, save_model, tmp_path: Path) -> None:
    """fairseq gives the best checkpoint of every training the same name."""
    model = EncoderDecoder(tiny_config(64))
    for folder in ("deep", "shallow"):
        (tmp_path / folder).mkdir()
        save_model(tmp_path / folder / "checkpoint_best.pt", model)
    last = save_model(tmp_path / "checkpoint_last.pt", model)
    paths = [*(tmp_path / folder / "checkpoint_best.pt" for folder in ("deep", "shallow")), last]
    names = [candidate.name for candidate in from_checkpoints(paths)]
    assert names == ["deep/checkpoint_best", "shallow/checkpoint_best", "checkpoint_last"]


def test_a_checkpoint_whose_tensors_do_not_fit_is_told_at_once(tiny_config, save_model, tmp_path: Path) -> None:
    model = EncoderDecoder(tiny_config(64))
    del model.encoder.layers[1]
    path = save_model(tmp_path / "cut.pt", model)
    with pytest.raises(UserError, match=re.escape(f"{path}: its tensors do not fit its configuration: 16 missing")):
        from_checkpoint(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scheme: [deepnorm\n", "not valid YAML"),
        ("just words\n", "holds no fields"),
        (
            "scheme: deepnom\nsource_vocabulary_size: 64\ntarget_vocabulary_size: 64\nencoder_layer: 3\n",
            "unknown key 'encoder_layer' (did you mean 'encoder_layers'?)",
        ),
        (
            "scheme: deepnom\nsource_vocabulary_size: 64\ntarget_vocabulary_size: 64\nembed_dim: 30\n",
            "scheme 'deepnom' is none of",
        ),
    ],
)
def test_a_bad_yaml_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=re.escape(message)) as problem:
        from_yaml(path)
    assert str(problem.value).startswith(str(path)) and "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("schemes", "depths", "width", "messages"),
    [
        (["deepnom"], [12], 64, ["'deepnom' is none of deepnorm", "deepnet_mt_200, "]),
        (["preln"], [13, 0], 64, ["depth 13 has no two halves", "depth 0 has no two halves"]),
        (["preln"], [12], 40, ["width 40 is no multiple of 16"]),
    ],
)
def test_a_bad_sweep(schemes: list[str], depths: list[int], width: int, messages: list[str]) -> None:
    with pytest.raises(UserError) as problem:
        swept(schemes, depths, width=width, vocabulary_size=64)
    assert all(message in str(problem.value) for message in messages)


def test_architectures_are_swept_by_their_kind() -> None:
    """A language model has one stack of the whole depth; a name with a size has its own depth alone."""
    names = ["preln_lm", "deepnet_mlm", "magneto_mt", "deepnet_mt_36", "vanilla_mt"]
    found = {candidate.name: candidate.config for candidate in swept(names, [4, 6], width=32, vocabulary_size=64)}
    assert list(found) == [
        "preln_lm 4", "preln_lm 6", "deepnet_mlm 4", "deepnet_mlm 6", "magneto_mt 2-2", "magneto_mt 3-3",
        "deepnet_mt_36 18-18", "vanilla_mt 2-2", "vanilla_mt 3-3",
    ]  # fmt: skip
    assert (found["preln_lm 6"].encoder_layers, found["preln_lm 6"].decoder_layers) == (0, 6)
    assert (found["deepnet_mlm 6"].encoder_layers, found["deepnet_mlm 6"].decoder_layers) == (6, 0)
    # fairseq's masked_lm adds a symbol to the dictionary.
    assert found["deepnet_mlm 6"].source_vocabulary_size == 65 and found["preln_lm 6"].target_vocabulary_size == 64
    assert found["magneto_mt 3-3"].scheme == "subln" and found["vanilla_mt 2-2"].shaping == "espa"
    (odd,) = swept(["preln_lm"], [7], width=32, vocabulary_size=64)
    assert odd.config.decoder_layers == 7


def test_two_of_one_name_are_refused_before_anything_is_written(candidates, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="have the name 'deepnorm 1-1'"):
        probe([candidates[0], candidates[0]], SETTINGS, Data(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
