"""fairseq-generate on a store: what it prints is what it scores, against the store's raw text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from mtdeep.corpus import Store, StoreWriter
from mtdeep.corpus.blocks import blocks_of
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.generation.session import Session


def texts(read, output: str) -> list[str]:
    return [columns[0][1] for _, columns in sorted(read(output, "D").items())]


def raw(store: Store, language: str) -> list[str]:
    (corpus,) = store.corpora("test")
    return [corpus.text(language, row) for row in range(corpus.rows)]


def test_sources_and_references_are_the_raw_text(store: Store, generate, read) -> None:
    output = generate()
    for letter, language in (("S", "en"), ("T", "de")):
        printed = [columns[0][0] for _, columns in sorted(read(output, letter).items())]
        assert printed == raw(store, language)
    assert "__de__" not in output
    assert not read(output, "L")


@pytest.mark.parametrize(
    ("joining", "scoring"),
    [
        ([], []),
        (["--remove-bpe"], []),
        ([], ["--sacrebleu"]),
        (["--remove-bpe", "sentencepiece"], ["--sacrebleu"]),
        (["--post-process=@@ "], ["--scoring", "sacrebleu"]),
    ],
)
def test_bleu_is_that_of_the_printed_text(
    store: Store, joining: list[str], scoring: list[str], generate, read
) -> None:
    output = generate("--score-reference", *joining, *scoring)
    metric = BLEU(force=True)
    expected = metric.corpus_score(texts(read, output), [raw(store, "de")])
    last = output.splitlines()[-1]
    name = "BLEU = " if scoring else "BLEU4 = "
    assert last.startswith(f"Generate test with beam=2: {name}{expected.score:.2f}{' ' if scoring else ','}")
    assert last.endswith(f" on plain text, {metric.get_signature()}")
    assert 0 < expected.score < 100  # every third reference has a word that no token says
    if joining:
        assert all(columns[0] == h[0] for columns, h in zip(read(output, "H").values(), read(output, "D").values()))
    else:
        assert all(len(columns[0][1].split()) > 1 and "▁" in columns[0][1] for columns in read(output, "H").values())


def test_an_unknown_word_is_no_match_where_the_raw_text_is_not_kept(generate, read) -> None:
    output = generate("--score-reference", "--gen-subset", "bare")
    references = [columns[0][0] for columns in read(output, "T").values()]
    assert sum("<<unk>>" in line for line in references) == 3
    last = output.splitlines()[-1]
    assert "references made of tokens, as the split keeps no raw text" in last
    assert "BLEU4 = 100.00" not in last


def test_without_a_subword_model_pieces_are_scored_unless_they_are_joined(
    store: Store, tmp_path: Path, generate, read
) -> None:
    """As a data-bin is imported without one: --post-process alone can say how its pieces are joined."""
    (corpus,) = store.corpora("test")
    path = tmp_path / "store"
    with StoreWriter(path, store.vocabulary, None) as writer:
        sentences = {code: [corpus.sentence(code, row) for row in range(corpus.rows)] for code in ("en", "de")}
        writer.add_corpus("toy", "test", {code: blocks_of(s) for code, s in sentences.items()}, provenance={})
        writer.finish({})
    apart = generate("--score-reference", data=path)
    assert " on pieces, nrefs:1" in apart.splitlines()[-1]
    assert read(apart, "D")[1][0][1] == read(apart, "H")[1][0][1] == read(apart, "T")[1][0][0]
    assert "▁" in read(apart, "T")[1][0][0]
    joined = generate("--score-reference", "--remove-bpe", "sentencepiece", data=path)
    assert " on plain text, nrefs:1" in joined.splitlines()[-1]
    assert read(joined, "D")[1][0][1] == read(joined, "T")[1][0][0] == corpus.text("de", 1)


def test_a_named_subword_model_joins_once(unknown_store: Path, generate, read) -> None:
    """Old scripts name the model and ask to remove its pieces too, which makes fairseq lose every space."""
    named = ("--bpe", "sentencepiece", "--sentencepiece-model", unknown_store / "sentencepiece.model")
    output = generate("--score-reference", *named, "--remove-bpe", "sentencepiece")
    ours = texts(read, generate("--score-reference"))
    assert texts(read, output) == [line.replace(" ⁇ ", "<unk>") for line in ours]  # as fairseq prints unknown words


def test_the_tokeniser_follows_the_target(store: Store, generate, read) -> None:
    output = generate("--score-reference", "-t", "zh_Hans")
    metric = BLEU(tokenize="zh", force=True)
    expected = metric.corpus_score(texts(read, output), [raw(store, "zh-Hans")])
    assert f"= {expected.score:.2f}," in output.splitlines()[-1]
    assert str(metric.get_signature()) in output.splitlines()[-1]
    named = generate("--score-reference", "-t", "zh_Hans", "--scoring", "sacrebleu", "--sacrebleu-tokenizer", "char")
    assert "tok:char" in named.splitlines()[-1]


def test_other_scorers_see_plain_text_too(store: Store, generate, read) -> None:
    output = generate("--score-reference", "--scoring", "chrf")
    metric = CHRF()
    expected = metric.corpus_score(texts(read, output), [raw(store, "de")])
    assert f"{expected.format()} on plain text, {metric.get_signature()}" in output.splitlines()[-1]


def test_a_scorer_that_cannot_be_is_named_before_anything_is_translated(
    generate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "open", None)
    monkeypatch.setitem(sys.modules, "MeCab", None)
    with pytest.raises(UserError, match=r"--scoring wer: .*editdistance"):
        generate("--scoring", "wer")
    with pytest.raises(UserError, match="--sacrebleu-tokenizer ja-mecab: Japanese tokenization requires"):
        generate("--scoring", "sacrebleu", "--sacrebleu-tokenizer", "ja-mecab")
    with pytest.raises(UserError, match="--sacrebleu and --scoring chrf exclude each other"):
        generate("--scoring", "chrf", "--sacrebleu")


def test_a_scorer_of_tokens_gets_words_and_no_unknown_ones(generate, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairseq import scoring

    pairs = []

    class Words:
        def add(self, reference, hypothesis) -> None:
            pairs.append((reference.tolist(), hypothesis.tolist()))

        def result_string(self) -> str:
            return f"{len(pairs)} pairs"

    monkeypatch.setattr(scoring, "build_scorer", lambda cfg, dictionary: Words())
    output = generate("--score-reference", "--scoring", "meteor")
    assert output.splitlines()[-1] == "Generate test with beam=2: 9 pairs on plain text"
    assert all(3 not in reference + hypothesis for reference, hypothesis in pairs)
    assert sum(reference == hypothesis for reference, hypothesis in pairs) == 6


def test_several_directions_are_labelled_and_scored_one_by_one(store: Store, generate, read) -> None:
    output = generate("--directions", "en-de,de-en", pair=("--task", "many_to_many_translation", "--cpu"))
    labels = {number: columns[0][0] for number, columns in read(output, "L").items()}
    assert sorted(labels.values()) == ["de-en"] * 9 + ["en-de"] * 9
    hypotheses = {number: columns[0][1] for number, columns in read(output, "D").items()}
    for direction, target in (("en-de", "de"), ("de-en", "en")):
        mine = [hypotheses[number] for number in sorted(labels) if labels[number] == direction]
        expected = BLEU(force=True).corpus_score(mine, [raw(store, target)])
        (line,) = (line for line in output.splitlines() if line.startswith(f"Generate test {direction} with beam=5: "))
        assert f"BLEU4 = {expected.score:.2f}," in line


def test_quiet_leaves_the_score_and_results_go_into_a_file(tmp_path: Path, generate) -> None:
    output = generate("--quiet", "--results-path", tmp_path / "results")
    assert "Generate" not in output
    (line,) = (tmp_path / "results" / "generate-test.txt").read_text().splitlines()
    assert line.startswith("Generate test with beam=2: BLEU4 = ")


def test_shards_share_the_split(generate, read) -> None:
    whole = read(generate("--batch-size", "2"), "D")
    parts = []
    for shard in range(2):
        output = generate("--batch-size", "2", "--num-shards", "2", "--shard-id", shard)
        assert f"; shard {shard} of 2" in output.splitlines()[-1]
        parts.append(read(output, "D"))
    assert not parts[0].keys() & parts[1].keys()
    assert {**parts[0], **parts[1]} == whole


def test_one_process_is_not_taken_for_several(generate, interact) -> None:
    with pytest.raises(UserError, match="--distributed-world-size 2: fairseq-generate is one process; run it 2 times"):
        generate("--distributed-world-size", "2")
    with pytest.raises(UserError, match="--shard-id is 2, but must be from 0 to 1"):
        generate("--num-shards", "2", "--shard-id", "2")
    with pytest.raises(UserError, match="--num-shards: it is fairseq-generate's"):
        interact("en\n", "--num-shards", "2")


def test_an_ensemble_of_equals_is_the_model(checkpoint: Path, generate, read) -> None:
    alone, twice = generate(), generate("--path", f"{checkpoint}:{checkpoint}")
    assert [x[0][1] for x in read(alone, "D").values()] == [x[0][1] for x in read(twice, "D").values()]


def test_a_shard_without_a_batch_translates_nothing(generate, read) -> None:
    assert not read(generate("--batch-size", "64", "--num-shards", "3", "--shard-id", "2"), "D")


def test_a_folder_for_results_that_is_a_file_is_named(tmp_path: Path, generate) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"--results-path .*file: cannot be written to \(it is a file\)"):
        generate("--results-path", tmp_path / "file")
