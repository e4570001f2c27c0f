"""Probe several configurations, one after the other, and write it all down.

Files, in the output folder: `measured/NAME.json`, each written when its configuration is done, from which a run that
was killed goes on; `probe.json`, all of them; `index.html`, a page that needs no other file; and its pictures as PNG.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mtdeep.durable import sync_directory
from mtdeep.errors import UserError
from mtdeep.nn.depth_rates import stack_factors
from mtdeep.nn.factors import DepthRates, checked_rule
from mtdeep.probe import page, pictures
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.candidates import Candidate, check_names
from mtdeep.probe.data import Data, batches_of
from mtdeep.probe.growth import growths
from mtdeep.probe.measure import Settings, measure
from mtdeep.probe.records import Record, file_name, key_of, plain, read_record, versions, write_json
from mtdeep.probe.verdict import judge

# Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]
PROBE, PAGE, MEASURED = "probe.json", "index.html", "measured"
_REVISION = 3  # goes up when a record's fields or the rules of the verdict change


@dataclass(frozen=True)
class Report:
    """The records of all configurations, how they were made, and the files that hold them."""

    records: list[Record]
    files: tuple[Path, ...]


def probe(
    candidates: Sequence[Candidate],
    settings: Settings,
    data: Data,
    output: Path,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """Measure and judge every candidate and write the report into *output*.

    Raises UserError when a name is given twice or no scheme has the rule of the rates, and as `batches_of` does; then
    nothing has been written.
    """
    check_names(candidates)
    own_settings = _with_rates(candidates, settings)
    # One to look at, and one for each update.
    batches = batches_of(candidates, data, settings.steps + 1, tokens=settings.batch_tokens, seed=settings.seed)
    (output / MEASURED).mkdir(parents=True, exist_ok=True)
    records = []
    for candidate, own, found in zip(candidates, own_settings, batches, strict=True):
        key = key_of(_REVISION, candidate.identity(), asdict(own), data.describe())
        path = output / MEASURED / f"{file_name(candidate.name)}.json"
        record = read_record(path, key)
        if record is None:
            record = {"key": key, **_record(candidate, own, found, data.store is not None, progress)}
            write_json(path, record)
        else:
            progress(f"{candidate.name}, measured before", 1, 1)
        records.append(record)
    how = {"versions": versions(), "settings": asdict(settings), "data": data.describe()}
    growth = [asdict(found) for found in growths(records)]
    write_json(output / PROBE, {**how, "growth": growth, "configurations": records})
    drawn = pictures.draw_all(records, output)
    page.write(output / PAGE, records, how, drawn)
    sync_directory(output)
    return Report(records, (output / PAGE, output / PROBE, *(picture.path for picture in drawn)))


def _with_rates(candidates: Sequence[Candidate], settings: Settings) -> list[Settings]:
    """Return the settings of each candidate, with the rule of its rates: that of its training unless one is given.

    A rule that is given is that of the candidates that have it. Raises UserError when none has.
    """
    rules: list[DepthRates] = []
    lacking: list[str] = []
    for candidate in candidates:
        try:
            rule = checked_rule(settings.depth_rates or candidate.provenance.depth_rates or "none")
            stack_factors(candidate.config, rule)
            rules.append(rule)
        except ValueError as error:
            rules.append("none")
            lacking.append(f"{candidate.name}: --depth-rates: {error}.")
    if lacking and (settings.depth_rates is None or len(lacking) == len(candidates)):
        raise UserError(lacking[0])
    return [replace(settings, depth_rates=rule) for rule in rules]


def _record(
    candidate: Candidate, settings: Settings, batches: Sequence[ProbeBatch], real_text: bool, progress: Progress
) -> Record:
    model = candidate.build(settings.seed)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    measured = measure(model, batches, settings, lambda done, total: progress(candidate.name, done, total))
    record = {
        **candidate.identity(),
        "width": candidate.config.embed_dim,
        "parameters": parameters,
        "depth_rates": settings.depth_rates,
        "verdict": asdict(judge(measured, settings, candidate.age, real_text=real_text)),
        **asdict(measured),
    }
    return {name: plain(value) for name, value in record.items()}
