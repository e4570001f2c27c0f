"""`fairseq-score --sacrebleu` and `--sentence-bleu` end in tracebacks, and lines that one file has alone are left out.

sacrebleu 2 wants lists of lines, not open files, and fairseq's scorer one configuration, not three numbers.
"""

from __future__ import annotations

import sys
from functools import partial, wraps
from pathlib import Path
from typing import Any

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.compat.patch import Patch, is_ours

MODULE = "fairseq_cli.score"
STANDARD_INPUT = "-"


def needed() -> bool:
    """Whether the command still scores open files."""
    constants = sys.modules[MODULE].cli_main.__code__.co_consts
    return any("fdsys" in getattr(inner, "co_varnames", ()) for inner in constants)


def apply() -> None:
    """Read both files, then score them as the options say."""
    module: Any = sys.modules[MODULE]

    @wraps(module.cli_main)
    def cli_main() -> None:
        args = module.get_parser().parse_args()
        print(args)
        references, hypotheses = read(args.ref), read(args.sys)
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

    module.cli_main = cli_main


def read(name: str) -> list[str]:
    """Return the lines of a file, or of standard input, which end at line feeds alone."""
    try:
        data = sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()
        return data.decode("utf-8").removesuffix("\n").split("\n") if data else []
    except OSError as error:
        raise UserError(f"{name}: cannot be read ({error.strerror}); give a text file.") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{name}, line {line}: is not UTF-8; convert the text, such as with iconv.") from None


def sacrebleu(hypotheses: list[str], references: list[str], order: int, ignore_case: bool) -> str:
    """Return sacrebleu's corpus BLEU and its signature."""
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(max_ngram_order=order, lowercase=ignore_case)
    return f"{metric.corpus_score(hypotheses, [references]).format()} {metric.get_signature()}"


def token_bleu(
    hypotheses: list[str], references: list[str], order: int, ignore_case: bool, by_sentence: bool
) -> list[str]:
    """Return fairseq's BLEU of words between spaces, of each line or of all."""
    from fairseq.data import Dictionary
    from fairseq.scoring.bleu import BleuConfig, Scorer

    words = Dictionary()
    scorer = Scorer(BleuConfig(pad=words.pad(), eos=words.eos(), unk=words.unk()))
    lines = []
    for number, pair in enumerate(zip(hypotheses, references, strict=True)):
        system, reference = (words.encode_line(line.lower() if ignore_case else line) for line in pair)
        if by_sentence:
            scorer.reset(one_init=True)
        scorer.add(reference, system)
        if by_sentence:
            lines.append(f"{number} {scorer.result_string(order)}")
    return lines if by_sentence else [scorer.result_string(order)]


PATCH = Patch(
    name="score_command",
    mends="fairseq-score --sacrebleu and --sentence-bleu fail, and lines without a partner are not counted",
    ticket="facebookresearch/fairseq#3914",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(is_ours, MODULE, "cli_main"),
)
