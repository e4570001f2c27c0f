"""A checkpoint is read by the kind of task that it was trained with, and a store by the task that reads stores."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from fairseq import checkpoint_utils, options, tasks
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from omegaconf import OmegaConf

from mtdeep.checkpoint.read import load_plain
from mtdeep.corpus import Direction, Store
from mtdeep.corpus.databin import write_databin
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.generation.commands import take_over
from mtdeep.fairseq_plugin.tasks import ManyToManyTranslationTask, reads_store


@pytest.fixture(scope="module")
def databin(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bin") / "bin"
    write_databin(store, path, [Direction("en", "de")], ["train", "test"])
    return path


def task_of(data: Path, *flags: str) -> tasks.FairseqTask:
    parser = options.get_generation_parser()
    args = options.parse_args_and_arch(parser, [str(data), *flags])
    return tasks.setup_task(convert_namespace_to_omegaconf(args).task)


def test_a_checkpoint_without_tags_is_refused(databin: Path, save_random, generate, tmp_path: Path) -> None:
    """Its tensors fit, since the dictionary is the store's, and it would translate into nonsense."""
    flags = (
        "--task translation -s en -t de --arch deepnet_mt --encoder-layers 2 --decoder-layers 3 "
        "--encoder-embed-dim 16 --encoder-ffn-embed-dim 24 --encoder-attention-heads 2 --share-all-embeddings"
    ).split()
    path = save_random(tmp_path / "untagged.pt", databin, *flags)
    with pytest.raises(UserError, match=r"untagged\.pt: was trained with the task 'translation', which has no"):
        generate("--path", path)
    state = load_plain(path)
    del state["task_state"]  # as before fairseq 0.10.3
    torch.save(state, tmp_path / "old.pt")
    with pytest.raises(UserError, match=r"old\.pt: was trained with the task 'translation'"):
        generate("--path", tmp_path / "old.pt")


def test_a_checkpoint_with_tags_is_refused_where_there_are_none(databin: Path, checkpoint: Path) -> None:
    task = task_of(databin, "-s", "en", "-t", "de")
    with pytest.raises(UserError, match="was trained with the task many_to_many_translation, whose models need"):
        checkpoint_utils.load_model_ensemble_and_task([str(checkpoint)], task=task)


def test_a_missing_checkpoint_is_named(generate, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.pt: there is no such checkpoint"):
        generate("--path", tmp_path / "none.pt")


def test_each_model_of_an_ensemble_is_compared(checkpoint: Path, generate, tmp_path: Path) -> None:
    state = load_plain(checkpoint)
    state["cfg"]["task"]["_name"] = "translation"
    torch.save(state, tmp_path / "other.pt")
    for paths in (f"{tmp_path / 'other.pt'}:{checkpoint}", f"{checkpoint}:{tmp_path / 'other.pt'}"):
        with pytest.raises(UserError, match=r"other\.pt: was trained with the task 'translation'"):
            generate("--path", paths)


@pytest.mark.parametrize("own_task", [True, False])
def test_a_damaged_record_is_told_with_its_file(checkpoint: Path, generate, tmp_path: Path, own_task: bool) -> None:
    path = tmp_path / "bad.pt"
    torch.save({**load_plain(checkpoint), "task_state": {"vocabulary": [1]}}, path)
    with pytest.raises(UserError, match=r"bad\.pt: .*vocabulary is not a text but of type list; give the file"):
        generate("--path", path) if own_task else checkpoint_utils.load_model_ensemble_and_task([str(path)])



def test_a_record_of_an_earlier_revision_sets_the_task_up(checkpoint: Path, tmp_path: Path) -> None:
    state = load_plain(checkpoint)
    state["cfg"]["task"]["post_process"] = None
    torch.save(state, tmp_path / "older.pt")
    _, _, task = checkpoint_utils.load_model_ensemble_and_task([str(tmp_path / "older.pt")])
    assert "post_process" not in task.cfg


@pytest.mark.parametrize("task", ["translation", "translation_multi_simple_epoch", "language_modeling"])
def test_a_store_given_to_a_task_of_fairseq(unknown_store: Path, task: str) -> None:
    languages = ("--lang-pairs", "en-de") if task == "translation_multi_simple_epoch" else ()
    with pytest.raises(UserError, match=f"a store, which the task '{task}' cannot read; give --task many_to_many"):
        task_of(unknown_store, "--task", task, *languages)


def test_a_databin_given_to_the_task_of_stores(databin: Path) -> None:
    with pytest.raises(UserError, match=r"not a store but a data-bin of fairseq; .*`mtdeep store import-fairseq`"):
        task_of(databin, "--task", "many_to_many_translation")


def test_a_task_made_from_ours_is_ours(checkpoint: Path, generate, read, tmp_path: Path, monkeypatch) -> None:
    class Derived(ManyToManyTranslationTask):
        pass

    monkeypatch.setitem(tasks.TASK_REGISTRY, "derived", Derived)
    expected = read(generate(), "D")
    state = load_plain(checkpoint)
    state["cfg"]["task"]["_name"] = "derived"
    torch.save(state, tmp_path / "derived.pt")
    assert read(generate("--path", tmp_path / "derived.pt"), "D") == expected
    monkeypatch.delitem(tasks.TASK_REGISTRY, "derived")
    with pytest.raises(UserError, match="the task 'derived', which is not known; name its --user-dir"):
        generate("--path", tmp_path / "derived.pt")


def test_the_commands_take_a_task_made_from_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Derived(ManyToManyTranslationTask):
        pass

    monkeypatch.setitem(tasks.TASK_REGISTRY, "derived", Derived)
    names = ("many_to_many_translation", "derived", "translation", "none", None)
    assert [reads_store(name) for name in names] == [True, True, False, False, False]
    cfg = OmegaConf.create({"distributed_training": {"distributed_world_size": 1}, "task": {"_name": "derived"}})
    command = ModuleType("fairseq_cli.interactive")
    command.main = lambda cfg: "fairseq's"
    monkeypatch.setattr("mtdeep.fairseq_plugin.generation.commands.translate_typed", lambda cfg: "ours")
    take_over(command)
    assert command.main(cfg) == "ours"


def test_a_folder_is_no_checkpoint(generate, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\); give a checkpoint"):
        generate("--path", tmp_path)


def test_text_tools_that_cannot_be_had_are_named(generate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacremoses", None)
    with pytest.raises(UserError, match=r"--tokenizer moses: .*pip install sacremoses"):
        generate("--tokenizer", "moses")
    with pytest.raises(UserError, match="--bpe sentencepiece: --sentencepiece-model is missing; give it"):
        generate("--bpe", "sentencepiece")
    with pytest.raises(UserError, match=r"--bpe sentencepiece: .*none"):
        generate("--bpe", "sentencepiece", "--sentencepiece-model", tmp_path / "none")
