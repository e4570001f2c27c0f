"""Our Post-LN and Pre-LN against fairseq's own transformer, with its weights as they are."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

import pytest
import torch

from mtdeep.nn import Config, EncoderDecoder

PAD = 1
NOT_OURS = {
    f"{stack}.{name}" for stack in ("encoder", "decoder") for name in ("version", "embed_positions._float_tensor")
}


@pytest.mark.parametrize("scheme", ["postln", "preln"])
@pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
def test_states_and_logits(small: Config, scheme: str, positions: str) -> None:
    fairseq = pytest.importorskip("fairseq.models.transformer")
    dictionary = pytest.importorskip("fairseq.data").Dictionary()
    for i in range(36):
        dictionary.add_symbol(f"w{i}")
    arguments = Namespace(
        encoder_layers=3,
        decoder_layers=2,
        encoder_embed_dim=16,
        encoder_ffn_embed_dim=24,
        decoder_ffn_embed_dim=32,
        encoder_attention_heads=4,
        decoder_attention_heads=2,
        encoder_normalize_before=scheme == "preln",
        decoder_normalize_before=scheme == "preln",
        encoder_learned_pos=positions == "learned",
        decoder_learned_pos=positions == "learned",
        dropout=0.0,
        max_source_positions=50,
        max_target_positions=60,
    )
    fairseq.base_architecture(arguments)
    task = Namespace(source_dictionary=dictionary, target_dictionary=dictionary)
    theirs = fairseq.TransformerModel.build_model(arguments, task).double()
    config = replace(
        small,
        scheme=scheme,  # type: ignore[arg-type]
        target_vocabulary_size=40,
        encoder_positions=positions,  # type: ignore[arg-type]
        decoder_positions=positions,  # type: ignore[arg-type]
        max_source_positions=50,
        max_target_positions=60,
    )
    ours = EncoderDecoder(config).double()
    state = {name: value for name, value in theirs.state_dict().items() if name not in NOT_OURS}
    ours.load_state_dict(state, strict=True)

    source, target = torch.randint(4, 40, (4, 7)), torch.randint(4, 40, (4, 6))
    source[0, :3] = source[1, 5:] = target[0, 4:] = PAD
    # Dropout is 0; in evaluation mode fairseq would take torch's fused path.
    theirs.train()
    states = theirs.encoder(source)["encoder_out"][0].transpose(0, 1)
    torch.testing.assert_close(ours.encoder(source).states, states, rtol=0, atol=1e-12)
    logits, _ = theirs(source, None, target)
    found = ours.decoder.output_projection(ours(source, target))
    real = target.ne(PAD)
    # fairseq's cross-attention takes its softmax in float32, whatever the model's type.
    torch.testing.assert_close(found[real], logits[real], rtol=0, atol=2e-6)
