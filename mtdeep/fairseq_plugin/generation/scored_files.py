"""fairseq-score: BLEU of a file of translations against a file of references.

fairseq's own ends in tracebacks under `--sacrebleu` and `--sentence-bleu` (facebookresearch/fairseq#3914): sacrebleu 2
wants lists of lines, not open files, and its scorer one configuration, not three numbers. Lines that one file has alone
it leaves out.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable

from fairseq.data import Dictionary
from fairseq.scoring.bleu import BleuConfig, Scorer
from sacrebleu.metrics.bleu import BLEU

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.command_parser import CommandParser
from mtdeep.text_lines import read_lines


def score_files(get_parser: Callable[[], ArgumentParser]) -> None:
    """Print the score of the files that the command line names, as its options say.

    Raises UserError for files that have not as many lines, or none.
    """
    args = CommandParser.of(get_parser()).parse_args()
    print(args)
    references, hypotheses = [*read_lines(args.ref, "--ref")], [*read_lines(args.sys, "--sys")]
    if not references:
        raise UserError(f"--ref {args.ref} is empty; give a file with a line for each one of --sys.")
    if len(references) != len(hypotheses):
        raise UserError(
            f"--sys {args.sys} has {len(hypotheses)} lines, and --ref {args.ref} has {len(references)}; "
            "give files that belong together."
        )
    if args.sacrebleu:
        print(sacrebleu(hypotheses, references, args.order, args.ignore_case))
    else:
        for line in token_bleu(hypotheses, references, args.order, args.ignore_case, args.sentence_bleu):
            print(line)


def sacrebleu(hypotheses: list[str], references: list[str], order: int, ignore_case: bool) -> str:
    """Return sacrebleu's corpus BLEU and its signature."""
    metric = BLEU(max_ngram_order=order, lowercase=ignore_case)
    return f"{metric.corpus_score(hypotheses, [references]).format()} {metric.get_signature()}"


def token_bleu(
    hypotheses: list[str], references: list[str], order: int, ignore_case: bool, by_sentence: bool
) -> list[str]:
    """Return fairseq's BLEU of words between spaces, of each line or of all."""
    words = Dictionary()
    scorer = Scorer(BleuConfig(pad=words.pad(), eos=words.eos(), unk=words.unk()))
    lines = []
    for number, pair in enumerate(zip(hypotheses, references, strict=True)):
        hypothesis, reference = (words.encode_line(line.lower() if ignore_case else line) for line in pair)
        if by_sentence:
            scorer.reset(one_init=True)
        scorer.add(reference, hypothesis)
        if by_sentence:
            lines.append(f"{number} {scorer.result_string(order)}")
    return lines if by_sentence else [scorer.result_string(order)]
