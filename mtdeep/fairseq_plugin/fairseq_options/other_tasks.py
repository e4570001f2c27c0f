"""What becomes, on a store, of the options that fairseq's own translation tasks have and ours does not.

docs/from-fairseq.md has the same words. Tests go over fairseq's tasks, so that none of their options is forgotten, and
over the page.
"""

from __future__ import annotations

from typing import NamedTuple

TRANSLATION = "translation"
MULTI_SIMPLE_EPOCH = "translation_multi_simple_epoch"
MULTILINGUAL = "multilingual_translation"
#: The tasks of fairseq's that stand behind a script that is brought to a store.
TASKS = (TRANSLATION, MULTI_SIMPLE_EPOCH, MULTILINGUAL)


class Counterpart(NamedTuple):
    """Options of fairseq's tasks, separated by blanks, and what stands in their place here."""

    flags: str
    here: str


COUNTERPARTS = (
    Counterpart(
        "--lang-pairs",
        "here it is --directions en-de,en-fr, or a file, all, centric:en, ...; without it all directions",
    ),
    Counterpart("--langs --lang-dict", "the store has its languages, in a fixed order; leave it out"),
    Counterpart(
        "--encoder-langtok",
        "here it is --encoder-tag src (the default) or tgt; every source has a tag",
    ),
    Counterpart(
        "--decoder-langtok",
        "the target's tag always begins the target, is trained, and is forced at decoding; leave it out",
    ),
    Counterpart(
        "--lang-tok-style --langtoks --langtoks-specs",
        "tags are __de__, and back-translated sources can have <bt> (--tag-back-translated); leave it out",
    ),
    Counterpart("--lang-tok-replacing-bos-eos", "a tag stands beside the end of a sentence; leave it out"),
    Counterpart("--enable-lang-ids", "a model knows languages by their tags alone; leave it out"),
    Counterpart("--keep-inference-langtok", "tags are never printed; leave it out"),
    Counterpart("--sampling-weights --sampling-weights-from-file", "here it is --sampling-method weights.txt"),
    Counterpart(
        "--extra-data --extra-lang-pairs",
        "the store has all corpora; name them, and their origin, in the configuration of mtdeep prepare",
    ),
    Counterpart(
        "--virtual-epoch-size --virtual-data-size", "here it is --updates-per-epoch, which counts updates, not pairs"
    ),
    Counterpart(
        "--enable-reservsed-directions-shared-datasets",
        "every sentence lies in the store once, for all directions; leave it out",
    ),
    Counterpart(
        "--truncate-source",
        "pairs that are too long are left out, and counted before the first update; leave it out",
    ),
    Counterpart(
        "--source-dict --target-dict --fixed-dictionary",
        "the store has one dictionary, which checkpoints are compared with; leave it out",
    ),
    Counterpart("--left-pad-source --left-pad-target", "sentences are padded on the right; leave it out"),
    Counterpart("--num-batch-buckets", "batches are as long as their longest sentence; leave it out"),
    Counterpart("--upsample-primary", "here it is --sampling-method weights.txt, or --origin-weights"),
    Counterpart("--load-alignments", "a store has no word alignments; leave it out"),
    Counterpart(
        "--share-encoders --share-decoders --share-encoder-embeddings --share-decoder-embeddings",
        "all directions share one encoder and one decoder; leave it out",
    ),
    Counterpart(
        "--eval-bleu-args --eval-bleu-detok --eval-bleu-detok-args --eval-bleu-remove-bpe --eval-bleu-print-samples "
        "--eval-tokenized-bleu",
        "--eval-bleu compares raw text, and has --eval-bleu-beam; leave it out",
    ),
)

#: What stands in the place of each flag.
HERE = {flag: counterpart.here for counterpart in COUNTERPARTS for flag in counterpart.flags.split()}

#: What of `--sampling-method` fairseq's tasks have under another name than ours.
SAMPLING_METHODS = {
    "uniform": "--sampling-temperature inf",
    "concat": "--sampling-temperature 1",
    "RoundRobin": "--sampling-temperature 1",
}
