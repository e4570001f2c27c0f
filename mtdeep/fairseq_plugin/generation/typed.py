"""fairseq-interactive on a store: translate lines as they come."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from fairseq import tasks, utils

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.generation.checks import check_options
from mtdeep.fairseq_plugin.generation.generator import Sample
from mtdeep.fairseq_plugin.generation.lines import Lines
from mtdeep.fairseq_plugin.generation.session import Session
from mtdeep.fairseq_plugin.generation.typed_lines import buffered_read
from mtdeep.text_lines import name_in_messages

logger = logging.getLogger("fairseq_cli.interactive")


def translate_typed(cfg: Any) -> None:
    """Translate the lines of ``--input``, ``--buffer-size`` at a time, and print them in their order."""
    check_options(cfg, typed=True)
    start = time.time()
    utils.import_user_module(cfg.common)
    if cfg.dataset.max_tokens is None and cfg.dataset.batch_size is None:
        cfg.dataset.batch_size = 1
    logger.info(cfg)
    session = Session.open(cfg, tasks.setup_task(cfg.task))
    lines, first, searching = Lines(session, sys.stdout), 0, 0.0
    logger.info("Sentence buffer size: %s", max(1, cfg.interactive.buffer_size))
    logger.info("NOTE: hypothesis and token scores are output in base 2")
    logger.info("Type the input sentence and press return:")
    for buffer in buffered_read(cfg.interactive.input, cfg.interactive.buffer_size):
        searching += _translate(session, lines, buffer, first)
        first += len(buffer)
        sys.stdout.flush()  # whoever waits for an answer at the other end of a pipe
    logger.info(f"Total time: {time.time() - start:.3f} seconds; translation time: {searching:.3f}")


def _translate(session: Session, lines: Lines, buffer: Sequence[str], first: int) -> float:
    """Print the translations of some lines, the first of which has number *first*; return the seconds that they took.

    S- pieces of the source, or their text under --post-process, W- seconds a sentence, and the hypotheses' lines.
    """
    results: dict[int, tuple[torch.Tensor, list[dict[str, Any]], float]] = {}
    total = 0.0
    for sample in batches(session, buffer, first):
        began = time.time()
        hypotheses = session.translate(sample)
        seconds = time.time() - began
        total += seconds
        for row, number in enumerate(sample["id"].tolist()):
            src_tokens = utils.strip_pad(sample["net_input"]["src_tokens"][row], session.task.store.vocabulary.pad)
            results[number] = src_tokens, hypotheses[row], seconds / len(hypotheses)
    for number, (src_tokens, nbest, seconds) in sorted(results.items()):
        source = session.text.pieces(src_tokens)
        lines.write("S", first + number, session.text.decode(source) if session.text.joined else " ".join(source))
        lines.write("W", first + number, f"{seconds:.3f}", "seconds")
        pieces = lines.texts(nbest, src_tokens, buffer[number])
        for symbols, hypothesis in zip(pieces, nbest, strict=False):
            lines.hypothesis(first + number, hypothesis, symbols)
    return total


def batches(session: Session, buffer: Sequence[str], first: int) -> Iterator[Sample]:
    """Return the batches of some lines; raises UserError for one that the models cannot read."""
    task, cfg = session.task, session.cfg
    tokens, lengths = task.get_interactive_tokens_and_lengths(buffer, session.text.encode)
    dataset = task.build_dataset_for_inference(tokens, lengths)
    longest = session.max_positions[0]
    for number, line in enumerate(buffer):
        if dataset.size(number) > longest and not cfg.dataset.skip_invalid_size_inputs_valid_test:
            name = name_in_messages(cfg.interactive.input, "--input")
            raise UserError(
                f"{name}, line {first + number + 1}: has {dataset.size(number)} tokens, and the model reads at most "
                f"{longest}, {line[:40]!r}...; split it, or give --skip-invalid-size-inputs-valid-test."
            )
    return task.get_batch_iterator(
        dataset=dataset,
        max_tokens=cfg.dataset.max_tokens,
        max_sentences=cfg.dataset.batch_size,
        max_positions=longest,
        ignore_invalid_inputs=cfg.dataset.skip_invalid_size_inputs_valid_test,
    ).next_epoch_itr(shuffle=False)
