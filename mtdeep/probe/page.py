"""The report as one HTML page that needs no other file: pictures are inside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mtdeep.durable import write_atomically
from mtdeep.probe.figures import Picture
from mtdeep.probe.records import Record
from mtdeep.probe.table import COLUMNS, LEGEND, cells


def write(path: Path, records: Sequence[Record], how: Mapping[str, Any], pictures: Sequence[Picture]) -> None:
    """Write the page of all configurations; *how* they were measured is what `probe.json` says of it."""
    render(
        path,
        "page.html",
        pictures,
        about=_about(records, how),
        columns=COLUMNS,
        legend=LEGEND,
        rows=[{"name": record["name"], "verdict": record["verdict"], "cells": cells(record)} for record in records],
        versions=how["versions"],
        json="probe.json",
    )


def render(
    path: Path, template: str, pictures: Sequence[Picture], *, versions: Mapping[str, str], **numbers: Any
) -> None:
    """Write a page with its pictures inside it, from a template that lies in `mtdeep.probe` and extends layout.html."""
    environment = Environment(loader=PackageLoader("mtdeep.probe", "."), autoescape=True, undefined=StrictUndefined)
    text = environment.get_template(template).render(
        pictures=[
            {"title": picture.title, "healthy": picture.healthy, "data": _data_uri(picture.path)}
            for picture in pictures
        ],
        versions=", ".join(f"{package} {number}" for package, number in versions.items()),
        **numbers,
    )
    write_atomically(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def _about(records: Sequence[Record], how: Mapping[str, Any]) -> str:
    settings = how["settings"]
    widths = ", ".join(str(width) for width in sorted({record["width"] for record in records}))
    return (
        f"Width {widths}; {in_words(how['data'])}; {settings['steps']} updates of Adam with a peak rate of"
        f" {settings['learning_rate']:g} after {settings['warmup']} updates of warm-up; about"
        f" {settings['batch_tokens']} tokens a batch; {settings['precision']}; seed {settings['seed']}"
        f"{_rates(records)}."
    )


def in_words(data: Mapping[str, Any]) -> str:
    """Return what `Data.describe` says, in words."""
    if "store" not in data:
        return "made-up sentences, translated word for word"
    return f"split {data['split']} of a store" + (f", {data['language']} alone" if data["language"] else "")


def _rates(records: Sequence[Record]) -> str:
    """Return the models whose updates had rates by depth, as the end of a sentence."""
    rated = (record for record in records if record["depth_rates"] != "none")
    return "".join(f"; {record['name']} with --depth-rates {record['depth_rates']}" for record in rated)


def _data_uri(png: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(png.read_bytes()).decode("ascii")
