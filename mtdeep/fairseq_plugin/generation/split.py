"""fairseq-generate on a store: translate a split, print it, score what is printed."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from fairseq import tasks, utils
from fairseq.logging import progress_bar
from fairseq.logging.meters import StopwatchMeter, TimeMeter

from mtdeep.durable import check_folder, refusals_told
from mtdeep.fairseq_plugin.datasets import DirectionsDataset
from mtdeep.fairseq_plugin.generation.checks import check_options, check_shard
from mtdeep.fairseq_plugin.generation.generator import Sample
from mtdeep.fairseq_plugin.generation.lines import Lines
from mtdeep.fairseq_plugin.generation.scoring import SplitScorer
from mtdeep.fairseq_plugin.generation.session import Session

logger = logging.getLogger("fairseq_cli.generate")
DEFAULT_MAX_TOKENS = 12_000  # fairseq's


def generate(cfg: Any) -> SplitScorer:
    """Translate ``--gen-subset`` into standard output, or into a file in ``--results-path``; return the scorer."""
    check_options(cfg)
    check_shard(cfg)
    folder = cfg.common_eval.results_path
    if folder is None:
        return _generate(cfg, sys.stdout)
    with results_file(Path(folder), cfg.dataset.gen_subset) as file:
        return _generate(cfg, file)


def results_file(folder: Path, split: str) -> TextIO:
    """Return the file that takes the output of a split, open; raises UserError for a folder that cannot have it."""
    check_folder("--results-path", folder)
    with refusals_told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / f"generate-{split}.txt").open("w", 1, encoding="utf-8")


def _generate(cfg: Any, file: TextIO) -> SplitScorer:
    log_into(file)
    utils.import_user_module(cfg.common)
    if cfg.dataset.max_tokens is None and cfg.dataset.batch_size is None:
        cfg.dataset.max_tokens = DEFAULT_MAX_TOKENS
    logger.info(cfg)
    task = tasks.setup_task(cfg.task)
    task.load_dataset(cfg.dataset.gen_subset)
    dataset = task.dataset(cfg.dataset.gen_subset)
    scorer = SplitScorer(cfg, task.target_dictionary, {view.direction.target for view in dataset.views})
    printer = SplitPrinter(Session.open(cfg, task), dataset, scorer, file)
    _translate(printer)
    printer.summary()
    return scorer


def _translate(printer: SplitPrinter) -> None:
    """Translate all batches of the split's shard, with fairseq's progress and timing."""
    session = printer.session
    progress = progress_bar.progress_bar(
        batches(session, printer.dataset),
        log_format=session.cfg.common.log_format,
        log_interval=session.cfg.common.log_interval,
        default_log_format="simple" if session.cfg.common.no_progress_bar else "tqdm",
    )
    timer, speed, sentences = StopwatchMeter(), TimeMeter(), 0
    for sample in progress:
        if not sample:  # fairseq fills a shard up that has a batch less than another
            continue
        timer.start()
        hypotheses = session.translate(sample)
        tokens = sum(len(nbest[0]["tokens"]) for nbest in hypotheses)
        timer.stop(tokens)
        printer.batch(sample, hypotheses)
        speed.update(tokens)
        progress.log({"wps": round(speed.avg)})
        sentences += len(hypotheses)
    logger.info("NOTE: hypothesis and token scores are output in base 2")
    logger.info(
        f"Translated {sentences:,} sentences ({timer.n:,} tokens) in {timer.sum:.1f}s "
        f"({sentences / max(timer.sum, 1e-9):.2f} sentences/s, {timer.n / max(timer.sum, 1e-9):.2f} tokens/s)"
    )


def batches(session: Session, dataset: DirectionsDataset) -> Any:
    """Return fairseq's iterator over the batches of ``--shard-id`` of ``--num-shards``."""
    cfg = session.cfg
    return session.task.get_batch_iterator(
        dataset=dataset,
        max_tokens=cfg.dataset.max_tokens,
        max_sentences=cfg.dataset.batch_size,
        max_positions=session.max_positions,
        ignore_invalid_inputs=cfg.dataset.skip_invalid_size_inputs_valid_test,
        required_batch_size_multiple=cfg.dataset.required_batch_size_multiple,
        seed=cfg.common.seed,
        num_shards=cfg.dataset.num_shards,
        shard_id=cfg.dataset.shard_id,
        num_workers=cfg.dataset.num_workers,
        data_buffer_size=cfg.dataset.data_buffer_size,
    ).next_epoch_itr(shuffle=False)


class SplitPrinter:
    """Prints translations beside their sources and references, and hands them to the scorer."""

    def __init__(self, session: Session, dataset: DirectionsDataset, scorer: SplitScorer, file: TextIO) -> None:
        self.session, self.dataset, self.scorer, self.file = session, dataset, scorer, file
        self.lines = Lines(session, file)
        self.directions = {view.direction for view in dataset.views}
        self.from_tokens = False

    def batch(self, sample: Sample, hypotheses: list[list[dict[str, Any]]]) -> None:
        """Print a batch: L- direction, if there are several, S- source, T- reference, and the hypotheses' lines.

        Source and reference are the store's raw text, or else that of their tokens, where unknown ones are escaped in
        the reference, so that no translation can match them.
        """
        text = self.session.text
        for row, number in enumerate(sample["id"].tolist()):
            src_tokens, target = sample["net_input"]["src_tokens"][row], sample["target"][row]
            example = self.dataset.example(number)
            source, reference = example.source, example.target
            if source is None:
                source = text.decode(text.pieces(no_padding(src_tokens, self.session)))
            if reference is None:
                reference = text.decode(text.pieces(no_padding(target, self.session), escape_unk=True))
                self.from_tokens = True
            pieces = self.lines.texts(hypotheses[row], no_padding(src_tokens, self.session), example.source)
            self.scorer.add(example.direction, reference, text.decode(pieces[0]))
            if self.session.cfg.common_eval.quiet:
                continue
            if len(self.directions) > 1:
                self.lines.write("L", number, str(example.direction))
            self.lines.write("S", number, source)
            self.lines.write("T", number, reference)
            for symbols, hypothesis in zip(pieces, hypotheses[row], strict=False):
                self.lines.hypothesis(number, hypothesis, symbols)

    def summary(self) -> None:
        """Print the score of each direction, the last lines of the output."""
        cfg, what = self.session.cfg, self.session.text.form
        notes = "; references made of tokens, as the split keeps no raw text" if self.from_tokens else ""
        if cfg.dataset.num_shards > 1:
            notes += f"; shard {cfg.dataset.shard_id} of {cfg.dataset.num_shards}"
        for direction, (score, signature) in self.scorer.results().items():
            split = f"{cfg.dataset.gen_subset} {direction}" if len(self.directions) > 1 else cfg.dataset.gen_subset
            made = f"on {what}, {signature}" if signature else f"on {what}"
            print(f"Generate {split} with beam={cfg.generation.beam}: {score} {made}{notes}", file=self.file)


def no_padding(tokens: Any, session: Session) -> Any:
    """Return the tokens (time,) of a row that are no padding."""
    return utils.strip_pad(tokens, session.task.store.vocabulary.pad)


def log_into(file: TextIO) -> None:
    """Let fairseq's log appear in the output, as its own command does."""
    logging.basicConfig(
        format="%(asctime)s | %(levelname)s | %(name)s | %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
        level=os.environ.get("LOGLEVEL", "INFO").upper(),
        stream=file,
    )
