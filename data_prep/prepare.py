"""The run: configuration in, store out; or what the configuration adds into the store that is there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from data_prep.config_file import ConfigFile, load_config
from data_prep.destination import appended_to, check_replaceable, holds_store, place_for, readable_store
from data_prep.engine.pool import Pool, Workers
from data_prep.growth import growth
from data_prep.identity import History, Identity, history, identify, other, recorded, together
from data_prep.pipeline.cleaned import check_rules
from data_prep.pipeline.encoded import EncodedText, Sizes, encoded
from data_prep.pipeline.grown import Grown, first, grow
from data_prep.pipeline.same_as_stored import difference
from data_prep.pipeline.texts import Run
from data_prep.pipeline.vocabulary import check_given, vocabulary_of, vocabulary_of_store
from data_prep.public.fetch import check_digests, fetch
from data_prep.report.gathered import gathered
from data_prep.report.split import split_section, wider_section
from data_prep.report.write import add_report, sections_of
from mtdeep.corpus.store import Store
from mtdeep.corpus.store_appender import StoreAppender, appended
from mtdeep.corpus.store_writer import StoreWriter
from mtdeep.durable import has_writer, refusals_told
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport


@dataclass(frozen=True)
class Prepared:
    """What a run made, or found made already.

    added: by language, what it put into a store that was there. left_out: sentences on files that `languages: all` does
    not mean.
    """

    store: Store
    already: bool
    added: Mapping[str, Sizes] | None = None
    left_out: Sequence[str] = ()


def prepare(config_path: Path, workers: Workers, *, overwrite: bool = False, append: bool = False) -> Prepared:
    """Make the store that *config_path* describes; *workers* work on it (`engine.pool`).

    A store that stands there already is left alone when it came from the same inputs and settings, and replaced only
    with *overwrite*. With *append* it gets what the configuration has beside all that made it. A run that was stopped
    goes on where it was, in the configuration's `work` folder or, without one, beside the store, where nothing is left
    in the end. Raises UserError for everything in configuration, inputs and disks that the user can mend.
    """
    if overwrite and append:
        raise UserError("--overwrite and --append exclude one another; give one of them")
    loaded = load_config(config_path)
    path, work = _places(loaded)
    with _half_done_told(loaded, path, work), ProgressReport() as progress, refusals_told(path):
        check_replaceable(path, overwrite=True)  # what else it must not be is known when the inputs are there
        check_rules(loaded)
        check_given(loaded)
        fetch(loaded.public_corpora(), progress)
        now = identify(loaded, progress)
        check_digests(loaded.public_corpora(), now.digests)
        if _is_prepared(path, now.digest, at_once=overwrite):
            return Prepared(Store(path), already=True, left_out=loaded.left_out)
        pool = Pool(work, workers, progress)
        if holds_store(path) and not overwrite:
            known = history(readable_store(path), now, progress)
            if known.revised and not append:
                adding = (
                    f"add {known.growth}, if its text would still be the same" if known.growth else "use it as it is"
                )
                raise other(known.store, known.revised, appending=adding)
            if not known.growth:
                return Prepared(known.store, already=True, left_out=loaded.left_out)
            if not append:
                raise UserError(
                    f"{path}: holds a store made from other inputs or settings: it lacks {known.growth}; give --append "
                    "to add that, --overwrite to replace the store, or another place for the store"
                )
            with appended_to(path) as appender, pool:
                added = _append(appender, known, Run(known.now.loaded, now.digests, pool), work, progress)
        else:
            added = None
            with place_for(path, overwrite=overwrite) as place, pool:
                _write(place, Run(loaded, now.digests, pool), work, now, progress)
        if not loaded.config.work:
            shutil.rmtree(work, ignore_errors=True)
    return Prepared(Store(path), already=False, added=added, left_out=loaded.left_out)


def _places(loaded: ConfigFile) -> tuple[Path, Path]:
    """Return where the store will stand and where work is done. Raises UserError where neither can be."""
    config = loaded.config
    store = loaded.resolved(config.store)
    if store.name in ("", ".."):
        raise UserError(f"{loaded.where('store')}: {store} is no place for a new folder; give one with a name")
    if config.work is None:
        return store, store.with_name(f".{store.name}.mtdeep-work")
    work = loaded.resolved(config.work)
    if Path(os.path.realpath(work)).is_relative_to(os.path.realpath(store)):
        where = loaded.where("work")
        raise UserError(f"{where}: {work} lies in the place of the store, which is replaced as a whole; give another")
    return store, work


@contextmanager
def _half_done_told(loaded: ConfigFile, store: Path, work: Path) -> Iterator[None]:
    """Say at the end of what is printed when the block fails, or is stopped, where its work lies, if nobody chose that.

    Nothing is said while another process prepares the same *store*, whose work it is. Errors have it as a note, which
    the command line prints behind their sentence, and Python behind a traceback.
    """
    try:
        yield
    except BaseException as error:
        # `isdir` is not that of `Path`, which a name that is too long stops.
        if loaded.config.work is None and os.path.isdir(work) and not has_writer(store):
            told = f"half-done work lies in {work}: the next run for this store goes on with it; it may be removed"
            if isinstance(error, KeyboardInterrupt | SystemExit):
                print(told, file=sys.stderr)
            else:
                error.add_note(told)
        raise


def _is_prepared(path: Path, digest: str, *, at_once: bool) -> bool:
    """Tell whether the last step that made a store was of this content; *at_once*: and the only one."""
    if not holds_store(path):
        return False
    try:
        steps = recorded(Store(path).manifest.provenance)
    except UserError:
        return False  # damaged or of another version: `readable_store` and `check_replaceable` say which
    return bool(steps) and steps[-1]["content_digest"] == digest and not (at_once and len(steps) > 1)


def _write(place: Path, run: Run, work: Path, now: Identity, progress: ProgressReport) -> None:
    made = first(run)
    learned = vocabulary_of(run, work, made.added)
    found = encoded(run, made.added, learned)
    progress.stage("write the store", len(found))
    with StoreWriter(place, learned.vocabulary, learned.model.read_bytes()) as writer:
        sections = []
        for text in found:
            sections.append(split_section(text, text.add_to(writer), run.loaded.config.cleaning))
            progress.advance(1)
        step = {**now.plain(), "in_training_text": made.leaked}
        progress.stage("write the report")
        add_report(writer, gathered(sections, writer.corpora, learned.vocabulary, run.loaded.config, together(step)))
        writer.finish(step)


def _append(
    appender: StoreAppender, known: History, run: Run, work: Path, progress: ProgressReport
) -> dict[str, Sizes]:
    """Add to a store what *known* has beside the steps that made it; returns how much that is of each language."""
    if appender.store.digest != known.store.digest:
        raise UserError(f"{appender.path}: was written by another process meanwhile; start this one again")
    made = _grown(known, run, work, progress)
    learned = vocabulary_of_store(appender.store, work, made.added)
    found = encoded(run, made.added, learned)
    progress.stage("append to the store", len(found))
    appender.add_tags(learned.vocabulary.tags)
    sections = {(one["corpus"], one["split"]): one for one in sections_of(appender.store)}
    settings = run.loaded.config.cleaning
    for text in found:
        name = text.text.name
        if text.text.added:
            sections[name] = wider_section(sections[name], text, text.add_languages_to(appender), settings)
        else:
            sections[name] = split_section(text, text.add_to(appender), settings)
        progress.advance(1)
    step = {**known.now.plain(known.steps), "in_training_text": made.leaked}
    progress.stage("write the report")
    whole = together(appended(appender.store.manifest.provenance, step))
    ordered = [sections[record.name, record.split] for record in appender.corpora]
    config = run.loaded.config
    report = gathered(ordered, appender.corpora, learned.vocabulary, config, whole, grown=len(known.steps))
    add_report(appender, report)
    appender.finish(step)
    return _sizes(found)


def _grown(known: History, run: Run, work: Path, progress: ProgressReport) -> Grown:
    """Do the steps again that made the store, and then the new one.

    Raises UserError where other code made the store, and what this code gives is not what the store has.
    """
    progress.stage("find what the store has")
    runs = [Run(step.loaded, step.digests, run.pool) for step in known.steps]
    made = first(runs[0])
    for before, after in pairwise(runs):
        made = grow(after, before, made.texts, growth(before.loaded, after.loaded))
    if known.revised:
        vocabulary = vocabulary_of_store(known.store, work, ())
        if what := difference(runs[-1], known.store, made.texts, vocabulary):
            raise other(known.store, f"{known.revised}, and {what} would be another")
    progress.stage("find what is new")
    return grow(run, runs[-1], made.texts, known.growth)


def _sizes(found: Sequence[EncodedText]) -> dict[str, Sizes]:
    sizes: dict[str, Sizes] = {}
    for text in found:
        for language, counts in text.sizes.items():
            sizes[language] = sizes.get(language, Sizes()) + counts
    return sizes
