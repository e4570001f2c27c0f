"""--print-alignment and --replace-unk: attention as the formula has it, places as they are printed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fairseq import checkpoint_utils
from torch.nn import functional as F

from mtdeep.corpus import Store
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.generation.alignment import Aligner
from mtdeep.fairseq_plugin.generation.text import UnknownWords, read_replacements


def expected_weights(checkpoint: Path, store: Store, row: int, layer: int) -> torch.Tensor:
    """Return (target time, source time) of en -> de in evaluation mode, from the inputs of the layer's projections."""
    (model,), _, _ = checkpoint_utils.load_model_ensemble_and_task([str(checkpoint)])
    model.eval()
    vocabulary = store.vocabulary
    (corpus,) = store.corpora("test")
    source = [vocabulary.tag("en"), *corpus.sentence("en", row), vocabulary.eos]
    target = [vocabulary.tag("de"), *corpus.sentence("de", row), vocabulary.eos]
    attention = model.decoder.layers[layer].encoder_attn
    seen = {}
    for name in ("q_proj", "k_proj"):
        module = getattr(attention, name)
        module.register_forward_hook(lambda _, __, output, name=name: seen.__setitem__(name, output[0]))
    with torch.no_grad():
        model(torch.tensor([source]), None, torch.tensor([[vocabulary.eos, *target[:-1]]]))
    heads = []
    for q, k in zip(seen["q_proj"].chunk(2, dim=-1), seen["k_proj"].chunk(2, dim=-1), strict=True):
        heads.append(F.softmax(q @ k.T / q.size(-1) ** 0.5, dim=-1))
    return torch.stack(heads).mean(0)


@pytest.mark.parametrize(("flags", "layer"), [([], 1), (["--alignment-layer", "2"], 2)])
def test_alignments_are_attention_averaged_over_heads(
    store: Store, checkpoint: Path, flags: list[str], layer: int, generate, read
) -> None:
    """The last layer but one of three, or the one asked for; tags are left out, soft weights keep the ends."""
    output = generate("--score-reference", "--print-alignment", "soft", *flags)
    hard = generate("--score-reference", "--print-alignment", *flags)
    for row in (0, 4):
        weights = expected_weights(checkpoint, store, row, layer)
        ((printed,),) = read(output, "A")[row]
        found = torch.tensor([[float(x) for x in token.split(",")] for token in printed.split()])
        torch.testing.assert_close(found, weights[1:, 1:], rtol=0, atol=2e-6)
        pairs = [f"{int(weights[i + 1, 1:-1].argmax())}-{i}" for i in range(len(weights) - 2)]
        assert read(hard, "A")[row] == [[" ".join(pairs)]]


def test_every_hypothesis_has_an_alignment_of_its_own(checkpoint: Path, generate, interact, read) -> None:
    output = generate("--print-alignment", "--nbest", "2", "--path", f"{checkpoint}:{checkpoint}")
    for number, columns in read(output, "H").items():
        for (_, pieces), (pairs,) in zip(columns, read(output, "A")[number], strict=True):
            assert [int(pair.split("-")[1]) for pair in pairs.split()] == list(range(len(pieces.split())))
    typed = interact("eab eob\n\n", "--print-alignment", "soft")
    assert len(read(typed, "A")[0][0][0].split()) == len(read(typed, "P")[0][0][0].split()) - 1
    assert read(typed, "A")[1] == [[""]]


def test_a_batch_and_an_ensemble_change_no_weight(unknown_store: Path, checkpoint: Path, store: Store) -> None:
    models, _, _ = checkpoint_utils.load_model_ensemble_and_task([str(checkpoint)] * 2)
    vocabulary = store.vocabulary
    for model in models:
        model.eval()
    sources = torch.full((2, 6), vocabulary.pad)
    sources[0, :4] = torch.tensor([vocabulary.tag("en"), 5, 6, vocabulary.eos])
    sources[1] = torch.tensor([vocabulary.tag("en"), 7, 8, 9, 10, vocabulary.eos])
    targets = [torch.tensor([vocabulary.tag("de"), 9, vocabulary.eos]), torch.tensor([vocabulary.eos])]
    together = [[{"tokens": targets[0]}, {"tokens": targets[1]}], [{"tokens": targets[0]}]]
    Aligner("soft", None, models, vocabulary).align(sources, together)
    alone = [[{"tokens": targets[0]}]]
    Aligner("soft", None, models[:1], vocabulary).align(sources[:1, :4], alone)
    torch.testing.assert_close(together[0][0]["attention"], alone[0][0]["attention"])
    assert together[0][0]["attention"].shape == (4, 3)
    assert len(together[0][1]["alignment"]) == 1


def test_a_decoder_without_attention_is_refused(checkpoint: Path, store: Store) -> None:
    class Lookup(torch.nn.Module):
        decoder = torch.nn.Linear(1, 1)

    with pytest.raises(UserError, match="which Lookup's does not"):
        Aligner("hard", None, [Lookup()], store.vocabulary)
    models, _, _ = checkpoint_utils.load_model_ensemble_and_task([str(checkpoint)])
    with pytest.raises(UserError, match="--alignment-layer is 3, but must be from 0 to 2 for deepnet_mt"):
        Aligner("hard", 3, models, store.vocabulary)


def test_fairseqs_own_transformer_is_aligned_as_fairseq_does_it(
    unknown_store: Path, store: Store, save_random, tmp_path: Path
) -> None:
    flags = (
        "--task many_to_many_translation --arch transformer --encoder-layers 2 --decoder-layers 3 "
        "--encoder-embed-dim 16 --decoder-embed-dim 16 --encoder-ffn-embed-dim 24 --decoder-ffn-embed-dim 24 "
        "--encoder-attention-heads 2 --decoder-attention-heads 2"
    ).split()
    path = save_random(tmp_path / "stock.pt", unknown_store, *flags)
    (model,), _, _ = checkpoint_utils.load_model_ensemble_and_task([str(path)])
    model.eval()
    vocabulary = store.vocabulary
    source = torch.tensor([[vocabulary.tag("en"), 5, 6, vocabulary.eos]])
    tokens = torch.tensor([vocabulary.tag("de"), 9, 10, vocabulary.eos])
    hypotheses = [[{"tokens": tokens}]]
    Aligner("hard", None, [model], vocabulary).align(source, hypotheses)
    previous = torch.tensor([[vocabulary.eos, *tokens[:-1].tolist()]])
    with torch.no_grad():
        _, extra = model.decoder(previous, model.encoder(source, torch.tensor([4])), alignment_layer=1)
    torch.testing.assert_close(hypotheses[0][0]["attention"], extra["attn"][0][0].T)


def test_our_models_align_under_fairseqs_own_generator(checkpoint: Path, store: Store) -> None:
    """As a task of fairseq's own builds it, for --print-alignment and for --score-reference beside it."""
    from argparse import Namespace

    from fairseq.sequence_generator import SequenceGeneratorWithAlignment
    from fairseq.sequence_scorer import SequenceScorer

    (model,), _, task = checkpoint_utils.load_model_ensemble_and_task([str(checkpoint)])
    model.prepare_for_inference_(Namespace(generation=Namespace(beam=2, print_alignment="hard")))
    vocabulary = store.vocabulary
    source = torch.tensor([[vocabulary.tag("en"), 5, 6, vocabulary.eos]])
    sample = {"net_input": {"src_tokens": source, "src_lengths": torch.tensor([4])}}
    generator = SequenceGeneratorWithAlignment([model], task.target_dictionary, beam_size=2, max_len_b=5)
    found = generator.generate([model], sample)[0][0]
    assert len(found["alignment"]) == len(found["tokens"]) - 1
    sample["target"] = found["tokens"][None]
    sample["net_input"]["prev_output_tokens"] = torch.tensor([[vocabulary.eos, *found["tokens"][:-1].tolist()]])
    scored = SequenceScorer(task.target_dictionary, compute_alignment=True).generate([model], sample)[0][0]
    assert scored["alignment"] == found["alignment"]


def test_unknown_words_are_replaced_by_what_they_are_aligned_with(tmp_path: Path) -> None:
    (tmp_path / "pairs").write_text("Ω omega\nb be\n")
    pieces, alignment, source = ["▁a", "<unk>", "<unk>", "b"], [(1, 0), (0, 1), (1, 2), (1, 3)], ["Ω", "▁c"]
    assert UnknownWords("", "<unk>").replace(pieces, alignment, source) == ["▁a", "Ω", "▁c", "b"]
    file = str(tmp_path / "pairs")
    assert UnknownWords(file, "<unk>").replace(pieces, alignment, source) == ["▁a", "omega", "▁c", "b"]


@pytest.mark.parametrize(("text", "sentence"), [(b"a b\nc\n", "line 2: has 1 columns"), (b"\xff b\n", "not UTF-8")])
def test_a_bad_file_of_pairs_is_named(tmp_path: Path, text: bytes, sentence: str) -> None:
    (tmp_path / "pairs").write_bytes(text)
    with pytest.raises(UserError, match=sentence):
        read_replacements(tmp_path / "pairs")
    with pytest.raises(UserError, match="cannot be read"):
        read_replacements(tmp_path / "none")


def test_pairs_are_not_taken_from_the_sentences(interact) -> None:
    with pytest.raises(
        UserError, match=r"^--replace-unk -: standard input is left to the sentences .*; give a file\.$"
    ):
        interact("eab\n", "--replace-unk", "-")


def test_replacing_is_seen_in_the_text_and_in_the_score(store: Store, generate, read) -> None:
    """The raw source's own letter comes out, though the model has read an unknown word."""
    before, after = generate("--score-reference"), generate("--score-reference", "--replace-unk", "")
    for number, columns in read(after, "D").items():
        unknown = " ⁇ " in read(before, "D")[number][0][1]
        assert unknown == (number % 3 == 0)
        assert "⁇" not in columns[0][1]
        assert (columns == read(before, "D")[number]) != unknown
        surfaces = store.subwords().surfaces(read(after, "S")[number][0][0])
        assert not unknown or any(piece.removeprefix("▁") in columns[0][1] for piece in surfaces)


def test_unknown_words_are_replaced_whatever_alignment_is_printed(generate, read) -> None:
    soft, hard = (
        generate("--score-reference", "--replace-unk", "", "--print-alignment", kind) for kind in ("soft", "hard")
    )
    assert read(soft, "D") == read(hard, "D")
    assert all("," in columns[0][0] for columns in read(soft, "A").values())
