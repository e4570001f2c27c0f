"""Looks at the options before anything is loaded: all that is wrong with them, in one sentence."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from fairseq.dataclass.configs import GenerationConfig

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.fairseq_options.option import Use
from mtdeep.fairseq_plugin.fairseq_options.refusals import refusals
from mtdeep.fairseq_plugin.fairseq_options.table import OPTIONS
from mtdeep.fairseq_plugin.options import flag

GENERATE = "fairseq-generate"
# A tag, a piece and the end of the sentence.
SHORTEST_SOURCE = 3
SEARCHES = ("sampling", "diverse_beam_groups", "match_source_len", "diversity_rate")


def check_options(cfg: Any, *, typed: bool = False) -> None:
    """Raise UserError with every option of a command that is not supported or has no sense; *typed*: no references."""
    use = Use.INTERACTIVE if typed else Use.GENERATE
    problems = [*refusals(cfg, use), *search_problems(cfg.generation), *printing_problems(cfg.generation)]
    if typed:
        problems += _buffer_problems(cfg)
    complain([*problems, *missing_path(cfg)])


def missing_path(cfg: Any) -> Iterator[str]:
    """One phrase when a command has no checkpoint."""
    if cfg.common_eval.path is None:
        yield "--path, the checkpoint to translate with, is missing"


def check_search(options: Any) -> None:
    """Raise UserError with every option of a search that is not supported or has no sense.

    options: fairseq's `GenerationConfig`, or an object with some of its fields; the others have their defaults.
    """
    defaults = vars(GenerationConfig())
    given = {name: getattr(options, name) for name in defaults if hasattr(options, name)}
    filled = Namespace(**{**defaults, **given})
    searching = [option for option in OPTIONS if option.place.startswith("generation.")]
    complain([*refusals(Namespace(generation=filled), Use.GENERATE, searching), *search_problems(filled)])


def complain(problems: list[str]) -> None:
    """Raise UserError with all *problems*, if there are any."""
    if problems:
        raise UserError("; ".join(problems) + ".")


def search_problems(options: Any) -> Iterator[str]:
    """Name what would end fairseq's search with a traceback."""
    given = [flag(name) for name in SEARCHES if getattr(options, name) > (0 if name != "diversity_rate" else -1)]
    if len(given) > 1:
        yield f"{' and '.join(given)} exclude each other; give one of them"
    for name in ("sampling_topk", "sampling_topp"):
        if getattr(options, name) >= 0 and not options.sampling:
            yield f"{flag(name)} needs --sampling"
    if options.diverse_beam_groups > 0 and options.beam % options.diverse_beam_groups:
        yield f"--beam {options.beam} cannot be shared among --diverse-beam-groups {options.diverse_beam_groups}"
    if not options.temperature > 0:
        yield f"--temperature is {options.temperature:g}, but must be above 0"
    for name, least in (("beam", 1), ("prefix_size", 0), ("no_repeat_ngram_size", 0)):
        if getattr(options, name) < least:
            yield f"{flag(name)} is {getattr(options, name)}, but must be at least {least}"
    longest = int(options.max_len_a * SHORTEST_SOURCE + options.max_len_b)
    if not options.match_source_len and options.min_len > longest:
        yield f"--min-len {options.min_len} is more than the {longest} tokens that --max-len-a and --max-len-b allow"


def printing_problems(options: Any) -> Iterator[str]:
    """Name what would print fewer hypotheses than were asked for."""
    if options.nbest < 1:
        yield f"--nbest is {options.nbest}, but must be at least 1"
    elif options.sampling and options.nbest != options.beam:
        yield f"--sampling draws --beam {options.beam} translations and prints all; give --nbest {options.beam} too"
    elif options.nbest > options.beam:
        yield f"--nbest {options.nbest} needs --beam {options.nbest} or more"


def _buffer_problems(cfg: Any) -> Iterator[str]:
    batch, buffer = cfg.dataset.batch_size, max(1, cfg.interactive.buffer_size)
    if batch is not None and batch > buffer:
        yield f"--batch-size {batch} needs --buffer-size {batch} or more"


def check_process(cfg: Any, command: str) -> None:
    """Raise UserError unless one process does the work.

    fairseq-generate is never started in several: the others' sentences would be left out unsaid.
    """
    processes = cfg.distributed_training.distributed_world_size
    if processes > 1:
        instead = (
            f"run it {processes} times, with --num-shards {processes} and --shard-id from 0 to {processes - 1}"
            if command == GENERATE
            else "leave it out"
        )
        raise UserError(f"--distributed-world-size {processes}: {command} is one process; {instead}.")


def check_shard(cfg: Any) -> None:
    """Raise UserError unless the shard to translate is one of those that there are."""
    shards, shard = cfg.dataset.num_shards, cfg.dataset.shard_id
    if not 0 <= shard < shards:
        raise UserError(f"--shard-id is {shard}, but must be from 0 to {shards - 1} with --num-shards {shards}.")


def scorer_name(cfg: Any) -> str:
    """Return the name that ``--scoring`` chose."""
    return cfg.scoring if isinstance(cfg.scoring, str) else str(cfg.scoring._name)
