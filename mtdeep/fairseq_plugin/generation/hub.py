"""fairseq's hub interface, ``from_pretrained(...)``: it asks the task for subwords and translates any direction."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any

import torch
from fairseq import file_utils, hub_utils, utils
from fairseq.dataclass.configs import GenerationConfig
from fairseq.models import BaseFairseqModel
from fairseq.tasks import FairseqTask

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.generation.alignment import Hypothesis
from mtdeep.fairseq_plugin.generation.generator import Sample
from mtdeep.fairseq_plugin.tasks import ManyToManyTranslationTask
from mtdeep.fairseq_plugin.text_tools import text_tool

# What fairseq's own method takes besides the options of generation.
ARGUMENTS = frozenset({"verbose", "skip_invalid_size_inputs", "inference_step_args", "prefix_allowed_tokens_fn"})
_load_archive_file = file_utils.load_archive_file


class HubInterface(hub_utils.GeneratorHubInterface):
    """What ``from_pretrained`` returns.

    fairseq's own takes what ``--bpe`` and ``--tokenizer`` name and passes the task over, so that a store's pieces are
    not used. For a store, the methods that translate take ``source_lang`` and ``target_lang`` too; those given to
    ``from_pretrained`` are what they are when left out.
    """

    def __init__(self, cfg: Any, task: FairseqTask, models: Sequence[BaseFairseqModel]) -> None:
        # First: fairseq's own constructor builds what these options name, too, and ends in a traceback where it cannot.
        tokenizer = text_tool("--tokenizer", cfg.tokenizer, task.build_tokenizer)
        bpe = text_tool("--bpe", cfg.bpe, task.build_bpe)
        super().__init__(cfg, task, models)
        self.tokenizer, self.bpe = tokenizer, bpe

    def generate(
        self,
        tokenized_sentences: Sequence[torch.Tensor] | torch.Tensor,
        *arguments: Any,
        source_lang: str | None = None,
        target_lang: str | None = None,
        **options: Any,
    ) -> list[list[Hypothesis]]:
        """Return the hypotheses of sentences in ids; options are fairseq's of generation, others raise UserError."""
        if not isinstance(self.task, ManyToManyTranslationTask):
            return super().generate(tokenized_sentences, *arguments, **options)
        check_names(options.keys() - ARGUMENTS)
        with self.task.translating(source_lang, target_lang):
            return super().generate(tokenized_sentences, *arguments, **options)

    def score(
        self,
        sentences: str | Sequence[str],
        references: str | Sequence[str] | None = None,
        *,
        source_lang: str | None = None,
        target_lang: str | None = None,
        **options: Any,
    ) -> Any:
        """Return the hypothesis, with its scores, that each of *references* is for the sentence beside it.

        fairseq's own has no references and serves language models alone, for which it still does.
        """
        if not isinstance(self.task, ManyToManyTranslationTask):
            return super().score(sentences, **options)
        if references is None:
            raise UserError("score() needs the translations of the sentences as its second argument.")
        if isinstance(sentences, str) and isinstance(references, str):
            languages = {"source_lang": source_lang, "target_lang": target_lang}
            return self.score([sentences], [references], **languages, **options)[0]
        check_names(options.keys())
        settings = GenerationConfig(score_reference=True, **options)
        generator = self.task.build_generator(list(self.models), settings)
        scored: dict[int, Hypothesis] = {}
        with self.task.translating(source_lang, target_lang):
            for batch in self._pairs(sentences, references):
                batch = utils.apply_to_sample(lambda tensor: tensor.to(self.device), batch)
                hypotheses = self.task.inference_step(generator, list(self.models), batch)
                scored.update(zip(batch["id"].tolist(), (nbest[0] for nbest in hypotheses), strict=True))
        return [scored[i] for i in range(len(sentences))]

    def _pairs(self, sentences: Sequence[str], references: Sequence[str]) -> Iterator[Sample]:
        sources, targets = ([self.encode(line) for line in lines] for lines in (sentences, references))
        if len(sources) != len(targets):
            raise UserError(f"score() was given {len(sources)} sentences and {len(targets)} translations.")
        return self._batches(sources, targets)

    def _build_batches(self, tokens: Sequence[torch.Tensor], skip_invalid_size_inputs: bool) -> Iterator[Sample]:
        if not isinstance(self.task, ManyToManyTranslationTask):
            batches: Iterator[Sample] = super()._build_batches(tokens, skip_invalid_size_inputs)
            return batches
        return self._batches(tokens, skips=skip_invalid_size_inputs)

    def _batches(
        self, sources: Sequence[torch.Tensor], targets: Sequence[torch.Tensor] | None = None, *, skips: bool = False
    ) -> Iterator[Sample]:
        """Return the batches of sentences; raises UserError for one that the models cannot read, unless it *skips*."""
        dataset = self.task.build_dataset_for_inference(sources, list(map(len, sources)), references=targets)
        if not skips:
            check_lengths("sentence", dataset.sentences, self.max_positions[0])
            check_lengths("translation", dataset.references or [], self.max_positions[1])
        return self.task.get_batch_iterator(
            dataset=dataset,
            max_tokens=self.cfg.dataset.max_tokens,
            max_sentences=self.cfg.dataset.batch_size,
            max_positions=self.max_positions[0],
            ignore_invalid_inputs=skips,
            disable_iterator_cache=True,
        ).next_epoch_itr(shuffle=False)


def check_lengths(what: str, sentences: Sequence[torch.Tensor], longest: int) -> None:
    """Raise UserError for the first sentence that has more than *longest* tokens, its tag and end counted."""
    for number, sentence in enumerate(sentences, 1):
        if len(sentence) > longest:
            raise UserError(
                f"{what} {number} of {len(sentences)} has {len(sentence)} tokens, and the model reads at most "
                f"{longest}; split it."
            )


def check_names(names: Set[str]) -> None:
    """Raise UserError for options of generation that fairseq does not have: it would take them and do nothing."""
    unknown = names - vars(GenerationConfig()).keys()
    if unknown:
        raise UserError(f"fairseq has no option {', '.join(sorted(unknown))} of generation; leave it out.")


def load_archive_file(archive_file: str) -> str:
    """Return the folder of a model or of its data, fetched and unpacked.

    Raises UserError where fairseq goes on without one, or ends in a traceback.
    """
    copy = fetch(archive_file) if "://" in archive_file else archive_file
    try:
        folder: str | None = _load_archive_file(archive_file)
    except tarfile.TarError as error:
        remedy = f"check the address, and delete {copy} to fetch it again"
        if copy == archive_file:
            remedy = "give from_pretrained the folder that it lies in"
        raise UserError(f"{archive_file}: is neither a folder nor an archive of one ({error}); {remedy}.") from None
    if folder is None:
        raise UserError(
            f"{archive_file}: there is no such folder or archive; give from_pretrained the path that the checkpoint's "
            "folder, or its data (the store), has now."
        )
    return folder


def fetch(address: str) -> str:
    """Return what fairseq keeps of an address, a file or its unpacked folder; raises UserError, with the reason."""
    try:
        copy = str(file_utils.cached_path(address))
        reason = None if Path(copy).exists() else "fairseq knows no such protocol"
    except Exception as error:  # of requests, of boto or of fairseq's own
        reason = str(error)
    if reason is not None:
        raise UserError(
            f"{address}: cannot be fetched ({reason}); check the address and the network, or give from_pretrained the "
            "folder of a copy."
        )
    return copy


hub_utils.GeneratorHubInterface = HubInterface
file_utils.load_archive_file = load_archive_file
