"""The report as one HTML page that needs no other file: pictures are inside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mtdeep.durable import write_atomically
from mtdeep.probe.pictures import Picture
from mtdeep.probe.table import COLUMNS, LEGEND, cells

Record = dict[str, Any]


def write(path: Path, records: Sequence[Record], how: Mapping[str, Any], pictures: Sequence[Picture]) -> None:
    """Write the page of all configurations; *how* they were measured is what `probe.json` says of it."""
    environment = Environment(loader=PackageLoader("mtdeep.probe", "."), autoescape=True, undefined=StrictUndefined)
    page = environment.get_template("page.html").render(
        about=_about(records, how),
        columns=COLUMNS,
        legend=LEGEND,
        rows=[{"name": record["name"], "verdict": record["verdict"], "cells": cells(record)} for record in records],
        pictures=[
            {"title": picture.title, "healthy": picture.healthy, "data": _data_uri(picture.path)}
            for picture in pictures
        ],
        versions=", ".join(f"{package} {number}" for package, number in how["versions"].items()),
    )
    write_atomically(path, lambda partial: partial.write_text(page, encoding="utf-8"))


def _about(records: Sequence[Record], how: Mapping[str, Any]) -> str:
    settings, data = how["settings"], how["data"]
    widths = ", ".join(str(width) for width in sorted({record["width"] for record in records}))
    what = "made-up sentences, translated word for word"
    if "store" in data:
        what = f"split {data['split']} of a store" + (f", {data['language']} alone" if data["language"] else "")
    return (
        f"Width {widths}; {what}; {settings['steps']} updates of Adam with a peak rate of {settings['learning_rate']:g}"
        f" after {settings['warmup']} updates of warm-up; about {settings['batch_tokens']} tokens a batch;"
        f" {settings['precision']}; seed {settings['seed']}{_rates(records)}."
    )


def _rates(records: Sequence[Record]) -> str:
    """Return the models whose updates had rates by depth, as the end of a sentence."""
    rated = (record for record in records if record["depth_rates"] != "none")
    return "".join(f"; {record['name']} with --depth-rates {record['depth_rates']}" for record in rated)


def _data_uri(png: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(png.read_bytes()).decode("ascii")
