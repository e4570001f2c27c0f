"""What is called heeded by the commands that translate has its effect, and nothing depends on the rest."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
from fairseq import checkpoint_utils
from fairseq import options as fairseq_options
from fairseq.scoring import build_scorer
from omegaconf import DictConfig

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.fairseq_options.option import Use
from mtdeep.fairseq_plugin.fairseq_options.table import OPTIONS
from mtdeep.fairseq_plugin.generation.checks import check_options, check_search
from mtdeep.fairseq_plugin.generation.commands import adapt


@pytest.fixture(scope="module")
def plain(configure):
    parser = fairseq_options.get_interactive_generation_parser()
    return configure(parser, ["data", "--task", "many_to_many_translation", "--path", "checkpoint.pt"])


def test_the_defaults_are_accepted(plain) -> None:
    check_options(plain)
    check_options(plain, typed=True)


def test_no_translation_depends_on_what_is_without_effect(generate, read, tmp_path: Path) -> None:
    """All have other values at once, with scores to the last digit."""
    parsed = {action.dest for action in fairseq_options.get_generation_parser()._actions}
    decided = {option.place for option in OPTIONS if option.heeded & Use.GENERATE or option.refusal(Use.GENERATE)}
    places = [option.place.split(".") for option in OPTIONS if option.place not in decided]
    without_effect = [(place[0], place[1]) for place in places if len(place) == 2 and place[1] in parsed]
    changed = []

    def change(cfg: DictConfig) -> None:
        for group, name in without_effect:
            before = cfg[group][name]
            if isinstance(before, bool):
                cfg[group][name] = not before
            else:
                cfg[group][name] = before + 7 if isinstance(before, int | float) else str(tmp_path / "another")
            changed.append((group, name))

    letters = ("S", "T", "H", "D", "P")
    usual, others = generate(), generate(change=change)
    assert changed == without_effect and ("common", "profile") in changed
    assert [read(usual, letter) for letter in letters] == [read(others, letter) for letter in letters]


@pytest.mark.parametrize(
    "flags",
    [
        ["--unnormalized"],
        ["--temperature", "3"],
        ["--max-len-a", "0.9", "--max-len-b", "1"],
        ["--beam", "3", "--nbest", "3"],
    ],
    ids=" ".join,
)
def test_what_is_called_heeded_is_seen_in_what_is_printed(generate, flags: list[str]) -> None:
    assert generate(*flags) != generate()


@pytest.mark.parametrize(
    "flags",
    [
        ["--batch-size", "2"],
        ["--max-tokens", "30"],
    ],
    ids=" ".join,
)
def test_the_size_of_batches_changes_no_translation(generate, read, flags: list[str]) -> None:
    usual, others = (read(output, "D") for output in (generate(), generate(*flags)))
    assert {number: text for number, ((_, text),) in usual.items()} == {
        number: text for number, ((_, text),) in others.items()
    }


def test_typed_text_is_not_scored(plain) -> None:
    cfg = plain.copy()
    cfg.scoring._name = "chrf"
    with pytest.raises(UserError, match="--scoring: it needs references"):
        check_options(cfg, typed=True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sampling": True, "diverse_beam_groups": 2, "beam": 4}, "--sampling and --diverse-beam-groups exclude"),
        ({"match_source_len": True, "diversity_rate": 0.5}, "--match-source-len and --diversity-rate exclude"),
        ({"sampling_topk": 3}, "--sampling-topk needs --sampling"),
        ({"sampling_topp": 0.5}, "--sampling-topp needs --sampling"),
        ({"diverse_beam_groups": 2}, "--beam 5 cannot be shared among --diverse-beam-groups 2"),
        ({"temperature": 0.0}, "--temperature is 0"),
        ({"beam": 0}, "--beam is 0, but must be at least 1"),
        ({"min_len": 300}, "--min-len 300 is more than the 200 tokens"),
    ],
)
def test_searches_that_make_no_sense_are_named(plain, changes: dict[str, object], sentence: str) -> None:
    cfg = plain.copy()
    cfg.generation.update(changes)
    for check in (lambda: check_options(cfg), lambda: check_search(cfg.generation)):
        with pytest.raises(UserError, match=sentence):
            check()


def test_what_would_print_less_than_asked_for_is_named(plain) -> None:
    for changes, sentence in (({"nbest": 6}, "--nbest 6 needs --beam 6"), ({"sampling": True}, "give --nbest 5 too")):
        cfg = plain.copy()
        cfg.generation.update(changes)
        check_search(cfg.generation)  # the hub returns all that there are
        with pytest.raises(UserError, match=sentence):
            check_options(cfg)
    cfg = plain.copy()
    cfg.dataset.batch_size = 8
    with pytest.raises(UserError, match="--batch-size 8 needs --buffer-size 8 or more"):
        check_options(cfg, typed=True)


def hypotheses(read, output: str) -> list[tuple[list[str], float, list[float]]]:
    """Pieces, score and scores of the tokens, natural logarithms, of all hypotheses."""
    found = []
    for number, columns in read(output, "H").items():
        for (score, pieces), (scores,) in zip(columns, read(output, "P")[number], strict=True):
            tokens = [float(x) * math.log(2) for x in scores.split()]
            found.append((pieces.split(), float(score) * math.log(2), tokens))
    return found


@pytest.mark.parametrize("length_penalty", [0.0, 1.5])
def test_length_penalty(generate, read, length_penalty: float) -> None:
    """The score is the sum over (number of tokens, tag and end counted) ** penalty."""
    for _, score, tokens in hypotheses(read, generate("--lenpen", length_penalty)):
        assert score == pytest.approx(sum(tokens) / len(tokens) ** length_penalty, abs=2e-3)


def test_lengths(store, generate, read) -> None:
    """The tag is the first token of the length; --match-source-len counts it on both sides."""
    for _, _, tokens in hypotheses(read, generate("--min-len", "6", "--unnormalized")):
        assert 6 + 1 <= len(tokens) <= 12 + 1
    (corpus,) = store.corpora("test")
    output = generate("--match-source-len", "--batch-size", "1")
    for number, columns in read(output, "P").items():
        assert len(columns[0][0].split()) == corpus.lengths("en")[number] + 2


def test_no_repeated_pairs_and_no_unknown_words(generate, read) -> None:
    compared = 0
    for pieces, _, tokens in hypotheses(read, generate("--no-repeat-ngram-size", "2", "--unkpen", "1000")):
        assert "<unk>" not in pieces
        if len(tokens) == len(pieces) + 2:  # else a tag stands in the middle, which is not printed
            compared += 1
            pairs = list(itertools.pairwise(pieces))
            assert len(set(pairs)) == len(pairs)
    assert compared > 3


def test_prefix_size_counts_from_behind_the_tag(store, generate, read) -> None:
    (corpus,) = store.corpora("test")
    symbols = store.vocabulary.symbols()
    for number, columns in read(generate("--prefix-size", "3"), "H").items():
        expected = [symbols[i] for i in corpus.sentence("de", number)[:3]]
        assert columns[0][1].split()[:3] == expected


@pytest.mark.parametrize(
    "search",
    [
        ["--sampling", "--nbest", "2", "--sampling-topk", "5"],
        ["--sampling", "--nbest", "2", "--sampling-topp", "0.9", "--temperature", "0.7"],
        ["--diverse-beam-groups", "2", "--nbest", "2"],
        ["--diversity-rate", "0.5", "--nbest", "2"],
    ],
)
def test_other_searches_print_as_many_as_asked_for(generate, read, search: list[str]) -> None:
    output = generate(*search)
    assert [len(columns) for columns in read(output, "D").values()] == [2] * 9


def test_sampling_follows_the_seed(generate, read) -> None:
    draws = [read(generate("--sampling", "--nbest", "2", "--seed", seed), "D") for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize("precision", ["--bf16", "--fp16"])
def test_half_precision(generate, read, precision: str) -> None:
    """bfloat16 has 8 bits of significand, half precision 11: scores of given tokens move by less than a tenth."""
    exact, rounded = (hypotheses(read, generate("--score-reference", *flags)) for flags in ([], [precision]))
    for (_, one, _), (_, other, _) in zip(exact, rounded, strict=True):
        assert one == pytest.approx(other, rel=0.1)
        assert one != other


def test_dropout_is_retained(generate, read) -> None:
    """Two seeds differ, one seed is itself again, and overriding the probability by 0 takes all of it away."""
    flags = ("--score-reference", "--retain-dropout")
    one, again, other = (generate(*flags, "--seed", seed) for seed in (1, 1, 2))
    without = generate(*flags, "--model-overrides", "{'dropout': 0.0, 'activation_dropout': 0.0}")
    scores = [[score for _, score, _ in hypotheses(read, output)] for output in (one, again, other, without)]
    assert scores[0] == scores[1] != scores[2]
    assert scores[3] == [score for _, score, _ in hypotheses(read, generate("--score-reference"))]


def test_a_choice_of_modules_is_refused_for_every_task(checkpoint: Path) -> None:
    (model,), _, _ = checkpoint_utils.load_model_ensemble_and_task([str(checkpoint)])
    with pytest.raises(UserError, match="--retain-dropout-modules names modules of fairseq's own models"):
        model.make_generation_fast_(retain_dropout=True, retain_dropout_modules=["TransformerDecoder"])


def test_a_missing_path_is_named(unknown_store: Path, configure) -> None:
    parser = fairseq_options.get_generation_parser()
    with pytest.raises(UserError, match="--path, the checkpoint to translate with, is missing"):
        check_options(configure(parser, [unknown_store, "--task", "many_to_many_translation"]))


def test_tasks_of_fairseq_heed_shards_and_sacrebleu_too(plain) -> None:
    cfg = plain.copy()
    cfg.dataset.num_shards, cfg.dataset.shard_id, cfg.generation.sacrebleu = 3, 2, True
    adapt(cfg)
    training = cfg.distributed_training
    assert (training.distributed_world_size, training.distributed_rank) == (3, 2)
    scorer = build_scorer(cfg.scoring, None)
    scorer.add_string("a b c d e", "a b c d e")
    assert scorer.result_string().startswith("BLEU = 100.00")
    cfg.dataset.shard_id = 3
    with pytest.raises(UserError, match="--shard-id is 3, but must be from 0 to 2"):
        adapt(cfg)
