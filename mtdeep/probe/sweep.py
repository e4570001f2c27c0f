"""Probe several configurations, one after the other, and write it all down.

Files, in the output folder: `measured/NAME.json`, each written when its configuration is done, from which a run that
was killed goes on; `probe.json`, all of them; `index.html`, a page that needs no other file; and its pictures as PNG.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xxhash

from mtdeep import __version__
from mtdeep.corpus import Store
from mtdeep.corpus.collate import ENCODER_TAGS, EncoderTag
from mtdeep.durable import sync_directory, write_atomically
from mtdeep.errors import UserError
from mtdeep.nn.depth_rates import checked_rule, stack_factors
from mtdeep.probe import page, pictures
from mtdeep.probe.batches import ProbeBatch, made_up_batches
from mtdeep.probe.candidates import Candidate, check_names
from mtdeep.probe.growth import growths
from mtdeep.probe.measure import Settings, measure
from mtdeep.probe.store_batches import store_batches, text_batches
from mtdeep.probe.verdict import judge

# Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]
Record = dict[str, Any]
"""What is known of one configuration, as plain data: what `probe.json` holds under `configurations`."""
PROBE, PAGE, MEASURED = "probe.json", "index.html", "measured"
_FORMAT = 2  # goes up when a record's fields or the rules of the verdict change


@dataclass(frozen=True)
class Data:
    """Where batches come from: a split of a store, or, without one, made-up sentences.

    language: whose sentences a stack on its own is given; needed where the split has several.
    """

    store: Store | None = None
    split: str = "train"
    language: str | None = None

    def describe(self) -> dict[str, Any]:
        """Return what makes these data others, as plain data."""
        if self.store is None:
            return {"made up": "Zipf's law, translated word for word"}
        return {"store": self.store.digest, "split": self.split, "language": self.language}


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

    Raises UserError when a name is given twice, a model has another vocabulary than the store, reads one language and
    it is not said which, or is of a scheme without the rule of its rates; then nothing has been written.
    """
    check_names(candidates)
    if data.language is not None and not any(candidate.stands_alone for candidate in candidates):
        raise UserError(f"--language {data.language}: every model here reads pairs of languages; leave it out.")
    for candidate in candidates:
        _check_vocabulary(candidate, data)
    own_settings = [_with_rates(candidate, settings) for candidate in candidates]
    batches = [_batches(candidate, settings, data) for candidate in candidates]
    (output / MEASURED).mkdir(parents=True, exist_ok=True)
    records = []
    for candidate, own, found in zip(candidates, own_settings, batches, strict=True):
        key = _key(candidate, own, data)
        path = output / MEASURED / f"{_file_name(candidate.name)}.json"
        record = _read(path, key)
        if record is None:
            record = {"key": key, **_record(candidate, own, found, data.store is not None, progress)}
            _write_json(path, record)
        else:
            progress(f"{candidate.name}, measured before", 1, 1)
        records.append(record)
    how = {
        "versions": {"mtdeep": __version__, **{package: version(package) for package in ("torch", "numpy")}},
        "settings": asdict(settings),
        "data": data.describe(),
    }
    growth = [asdict(found) for found in growths(records)]
    _write_json(output / PROBE, {**how, "growth": growth, "configurations": records})
    drawn = pictures.draw_all(records, output)
    page.write(output / PAGE, records, how, drawn)
    sync_directory(output)
    return Report(records, (output / PAGE, output / PROBE, *(picture.path for picture in drawn)))


def _with_rates(candidate: Candidate, settings: Settings) -> Settings:
    """Return the settings with the rule of the candidate's rates; raises UserError when its scheme has no such rule."""
    rule = settings.depth_rates or candidate.provenance.depth_rates or "none"
    try:
        checked = checked_rule(rule)
        stack_factors(candidate.config, checked)
    except ValueError as error:
        raise UserError(f"{candidate.name}: {error}; give --depth-rates none.") from None
    return replace(settings, depth_rates=checked)


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
        "verdict": asdict(judge(measured, settings, trained=candidate.checkpoint is not None, real_text=real_text)),
        **asdict(measured),
    }
    plain: Record = _plain(record)
    return plain


def _batches(candidate: Candidate, settings: Settings, data: Data) -> list[ProbeBatch]:
    """Return one batch to look at and one for each update."""
    count, tokens, seed = settings.steps + 1, settings.batch_tokens, settings.seed
    if data.store is None:
        found = made_up_batches(candidate.config, count, tokens=tokens, seed=seed)
    elif candidate.stands_alone:
        language = _language(candidate, data.store, data)
        found = text_batches(data.store, data.split, language, candidate.config, count, tokens=tokens, seed=seed)
    else:
        tag = _encoder_tag(candidate)
        found = store_batches(
            data.store, data.split, candidate.config, count, tokens=tokens, seed=seed, encoder_tag=tag
        )
    if candidate.config.decoder_layers:
        return found
    return [batch.masked(candidate.config, seed + number) for number, batch in enumerate(found)]


def _language(candidate: Candidate, store: Store, data: Data) -> str:
    """Return the language whose sentences a stack on its own is given."""
    held = sorted({language for corpus in store.corpora(data.split) for language in corpus.languages})
    if data.language is None and len(held) > 1:
        raise UserError(f"{candidate.name}: reads one language; give --language, one of {', '.join(held)}.")
    language = data.language or held[0]
    if language not in held:
        raise UserError(f"--language {language}: not in split {data.split!r}, which has {', '.join(held)}.")
    return language


def _check_vocabulary(candidate: Candidate, data: Data) -> None:
    if data.store is None:
        return
    vocabulary = data.store.vocabulary
    sizes = {candidate.config.source_vocabulary_size, candidate.config.target_vocabulary_size}
    masks = 0 if candidate.config.decoder_layers else 1  # fairseq's masked_lm adds a symbol behind the dictionary's
    if sizes != {len(vocabulary) + masks} or candidate.provenance.vocabulary not in (None, vocabulary.digest):
        symbols = f"{len(vocabulary)} symbols{' and the mask' if masks else ''}"
        raise UserError(
            f"{candidate.name}: has another vocabulary than the {symbols} of {data.store.path}; give "
            "the store that it was made for, or set source_vocabulary_size and target_vocabulary_size."
        )


def _encoder_tag(candidate: Candidate) -> EncoderTag:
    """Return whose tag the encoder sees; the source's where none is recorded."""
    tag = candidate.provenance.encoder_tag or "src"
    if tag not in ENCODER_TAGS:
        raise UserError(f"{candidate.name}: its encoder tag {tag!r} is none of ours; leave out --store.")
    return tag


def _key(candidate: Candidate, settings: Settings, data: Data) -> str:
    """Return a digest of all that a record depends on."""
    facts = [_FORMAT, __version__, version("torch"), candidate.identity(), asdict(settings), data.describe()]
    return xxhash.xxh3_128_hexdigest(json.dumps(facts).encode())


def _read(path: Path, key: str) -> Record | None:
    """Return the record that was measured before, if it is of the same model, settings and data."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("key") == key else None


def _plain(value: Any) -> Any:
    """Return data of which JSON can hold everything: numbers that are not finite become None."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_json(path: Path, value: object) -> None:
    text = json.dumps(value, indent=1, allow_nan=False) + "\n"
    write_atomically(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def _file_name(name: str) -> str:
    """Return the name as a file's, with a digest where that is not the name itself."""
    plain = re.sub(r"[^\w.-]+", "_", name)
    return plain if plain == name.replace(" ", "_") else f"{plain}_{xxhash.xxh3_64_hexdigest(name.encode())}"
