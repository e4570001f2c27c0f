"""From checkpoint and store to files: the right sentences, resumable, gaps in sight."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sacrebleu
import torch

from mtdeep.corpus import Direction, Store
from mtdeep.decoding import SearchOptions, Translator
from mtdeep.errors import UserError
from mtdeep.evaluation import BLEU, CHRF, COPY_BLEU, Evaluation, evaluate
from mtdeep.evaluation.evaluate import HYPOTHESES
from mtdeep.nn import Config, EncoderDecoder, build_model

OPTIONS = SearchOptions(beam=2, max_length_b=10)


def run(checkpoint: Path, store: Store, output: Path, **changes: object) -> Evaluation:
    return evaluate(checkpoint, store.path, output=output, **{"options": OPTIONS, **changes})  # type: ignore[arg-type]


def test_scores_are_sacrebleus_of_the_split_s_text(
    checkpoint: Path, model: EncoderDecoder, store: Store, tmp_path: Path
) -> None:
    result = run(checkpoint, store, tmp_path)
    assert len(result.expected) == 12
    by_direction = {score.direction: score for score in result.scores}
    # Japanese has no text at all.
    assert {d for d in result.expected if d not in by_direction} == {
        d for d in result.expected if "ja" in (d.source, d.target)
    }
    translator = Translator(model, store.vocabulary, store.subwords())
    for direction, score in by_direction.items():
        rows = [(corpus, row) for corpus in store.corpora("test") for row in corpus.common_rows(*_codes(direction))]
        sources = [corpus.text(direction.source, row) for corpus, row in rows]
        references = [corpus.text(direction.target, row) for corpus, row in rows]
        assert all(sources) and all(references)
        translations = translator.translate(sources, direction.source, [direction.target], OPTIONS)
        hypotheses = [translation.text for translation in translations[direction.target]]
        tokenizer = "zh" if direction.target == "zh-Hans" else "13a"
        assert score.segments == len(rows)
        bleu = sacrebleu.corpus_bleu(hypotheses, [references], tokenize=tokenizer)
        assert score.values[BLEU] == pytest.approx(bleu.score, abs=1e-9)
        chrf = sacrebleu.corpus_chrf(hypotheses, [references], word_order=2)
        assert score.values[CHRF] == pytest.approx(chrf.score, abs=1e-9)
        copied = sacrebleu.corpus_bleu(sources, [references], tokenize=tokenizer)
        assert score.values[COPY_BLEU] == pytest.approx(copied.score, abs=1e-9)
        assert score.bleu_signature.startswith(f"nrefs:1|case:mixed|eff:no|tok:{tokenizer}|smooth:exp|version:")
        assert score.chrf_signature.startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:")
    assert by_direction[Direction("en", "de")].segments == 5
    assert by_direction[Direction("de", "zh-Hans")].segments == 2


def _codes(direction: Direction) -> tuple[str, str]:
    return direction.source, direction.target


def test_files_and_provenance(checkpoint: Path, store: Store, tmp_path: Path) -> None:
    result = run(checkpoint, store, tmp_path)
    assert sorted(path.name for path in result.files) == sorted(path.name for path in tmp_path.iterdir())
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["store"] == store.digest
    assert results["split"] == "test"
    assert results["beam"] == 2
    assert results["model"] == "deepnet_mt (checkpoint.pt, 7 updates)"
    assert results["averages"]["BLEU"]["found"] == 6
    assert results["averages"]["BLEU"]["expected"] == 12
    assert len(results["averages"]["BLEU"]["signatures"]) == 2
    assert str(tmp_path) not in (tmp_path / "results.json").read_text()


def forbid_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*given: object) -> None:
        raise AssertionError("translated again")

    monkeypatch.setattr(EncoderDecoder, "forward", forbidden)
    monkeypatch.setattr("mtdeep.nn.transformer.Encoder.forward", forbidden)


def test_what_is_finished_is_not_translated_again(
    checkpoint: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(checkpoint, store, tmp_path)
    written = (tmp_path / HYPOTHESES).read_bytes()
    with monkeypatch.context() as patch:
        forbid_translation(patch)
        second = run(checkpoint, store, tmp_path)
        assert second.scores == first.scores
        assert (tmp_path / HYPOTHESES).read_bytes() == written
        with pytest.raises(AssertionError, match="again"):  # other options are another run
            run(checkpoint, store, tmp_path, options=SearchOptions(beam=1, max_length_b=10))
    assert (tmp_path / HYPOTHESES).read_bytes() == written


def test_another_model_in_the_same_folder_is_translated(
    checkpoint: Path, model: EncoderDecoder, store: Store, tmp_path: Path
) -> None:
    first = run(checkpoint, store, tmp_path / "out", directions="en-de,de-en")
    state = torch.load(checkpoint, weights_only=True)
    state["model"]["decoder.output_projection.weight"].neg_()
    other = tmp_path / "other.pt"
    torch.save(state, other)
    assert run(other, store, tmp_path / "out", directions="en-de,de-en").scores != first.scores
    # The first run's lines are still there.
    assert run(checkpoint, store, tmp_path / "out", directions="en-de,de-en").scores == first.scores


@pytest.mark.parametrize("share", [0.0, 0.1, 0.35, 0.5, 0.77, 0.99])
def test_a_killed_run_goes_on(checkpoint: Path, store: Store, tmp_path: Path, share: float) -> None:
    whole = run(checkpoint, store, tmp_path / "whole", batch_tokens=30)
    lines = (tmp_path / "whole" / HYPOTHESES).read_bytes()
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / HYPOTHESES).write_bytes(lines[: int(share * len(lines))])
    again = run(checkpoint, store, tmp_path / "cut", batch_tokens=30)
    assert again.scores == whole.scores
    for name in ("scores.tsv", "bleu.tsv", "chrf.tsv", "results.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_progress_ends_at_the_total(checkpoint: Path, store: Store, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    run(checkpoint, store, tmp_path, progress=lambda *step: steps.append(step))
    translating = [step for step in steps if step[0].startswith("translating")]
    # Pairs of lines with text: en-de 5, en-zh 3, de-zh 2, each both ways.
    assert translating[-1][1:] == (20, 20)
    assert steps[-1] == ("scoring", 6, 6)


def test_tokenizer_can_be_chosen(checkpoint: Path, store: Store, tmp_path: Path) -> None:
    result = run(checkpoint, store, tmp_path, tokenize="intl", directions="en-zh_Hans")
    assert "tok:intl" in result.scores[0].bleu_signature
    with pytest.raises(UserError, match="no tokenizer 'klingon'"):
        run(checkpoint, store, tmp_path, tokenize="klingon")


def test_a_source_that_is_too_long_is_told_before_anything_is_done(store: Store, tmp_path: Path) -> None:
    """Split, corpus, row and language; only rows count that some direction translates."""
    corpus = store.corpora("test")[0]
    size = len(store.vocabulary)

    def checkpoint_reading(longest: int) -> Path:
        """A checkpoint without weights: what is found after it was built comes too late."""
        config = Config(
            scheme="deepnorm",
            source_vocabulary_size=size,
            target_vocabulary_size=size,
            max_source_positions=longest + 2,  # tag and end-of-sentence
        )
        model = {"arch": "deepnet_mt", "mtdeep_config": config.to_dict()}
        task = {"_name": "many_to_many_translation", "encoder_tag": "src"}
        path = tmp_path / f"{longest}.pt"
        torch.save({"cfg": {"model": model, "task": task}, "model": {"a": torch.zeros(1)}}, path)
        return path

    # English row 1 has no German line.
    row = max((0, 2, 3), key=lambda row: corpus.lengths("en")[row])
    longest = int(corpus.lengths("en")[row])
    path = checkpoint_reading(longest - 1)
    with pytest.raises(UserError) as raised:
        run(path, store, tmp_path / "out", directions="en-de")
    message = str(raised.value)
    assert message.startswith(f"{path}: reads sources of at most {longest - 1} tokens, but row {row} of corpus")
    assert f"'captions' in split 'test' has {longest} in en" in message
    assert corpus.text("en", row)[:40] in message and "--max-source-positions" in message
    with pytest.raises(UserError, match="tensors do not fit"):  # it went on to the weights
        run(checkpoint_reading(longest), store, tmp_path / "out", directions="en-de")
    with pytest.raises(UserError, match=r"\(and \d+ more\)"):
        run(checkpoint_reading(1), store, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_does_not_fit_together_is_said(checkpoint: Path, store: Store, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(UserError, match="no split 'dev'"):
        run(checkpoint, store, output, split="dev")
    with pytest.raises(UserError, match="no raw text"):
        run(checkpoint, store, output, split="train")
    with pytest.raises(UserError, match="no sentence"):
        run(checkpoint, store, output, directions="en-ja")
    state = torch.load(checkpoint, weights_only=True)
    state["cfg"]["task"] = {"_name": "translation"}
    torch.save(state, tmp_path / "stock.pt")
    with pytest.raises(UserError, match="'translation', which has no language tags"):
        run(tmp_path / "stock.pt", store, output)
    state = torch.load(checkpoint, weights_only=True)
    torch.save({**state, "task_state": {"vocabulary": "0" * 32}}, tmp_path / "other.pt")
    with pytest.raises(UserError, match="another vocabulary"):
        run(tmp_path / "other.pt", store, output)
    assert not output.exists()
    torch.save({**state, "task_state": {"vocabulary": store.vocabulary.digest}}, tmp_path / "same.pt")
    assert run(tmp_path / "same.pt", store, output, directions="en-de").scores


@pytest.mark.parametrize("missing", ["encoder_layers", "decoder_layers"])
def test_a_language_model_does_not_translate(
    store: Store, tiny_config, save_model, tmp_path: Path, missing: str
) -> None:
    path = save_model(tmp_path / "checkpoint.pt", build_model(tiny_config(len(store.vocabulary), **{missing: 0})))
    with pytest.raises(UserError, match=r"checkpoint\.pt: a language model, which does not translate"):
        evaluate(path, store.path, output=tmp_path / "results")
    assert not (tmp_path / "results").exists()
