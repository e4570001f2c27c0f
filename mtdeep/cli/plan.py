"""`mtdeep plan`: the memory that a training needs, the batch that fits, and its hours, before it is started."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtdeep.errors import UserError

if TYPE_CHECKING:
    from mtdeep.nn import Config
    from mtdeep.planning import Plan


def plan(
    memory: Annotated[str, typer.Option(help="Memory of each device: 80GB (decimal) or 80GiB (binary).")],
    model: Annotated[Path | None, typer.Argument(help="YAML file with fields of mtdeep.nn.Config.")] = None,
    arch: Annotated[str | None, typer.Option(help="fairseq-train's: deepnet_mt_200, preln_lm, vanilla_mt, ...")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Take the model of a checkpoint*.pt file.")] = None,
    scheme: Annotated[str | None, typer.Option(help="deepnorm, subln, residual, preln, vanilla, ...")] = None,
    encoder_layers: Annotated[int | None, typer.Option(help="N of the papers.")] = None,
    decoder_layers: Annotated[int | None, typer.Option(help="M of the papers.")] = None,
    embed_dim: Annotated[
        int | None,
        typer.Option("--embed-dim", "--encoder-embed-dim", "--decoder-embed-dim", help="Width of the stream."),
    ] = None,
    ffn_dim: Annotated[
        int | None,
        typer.Option("--ffn-dim", "--encoder-ffn-embed-dim", help="Inner width of the feed-forward branches."),
    ] = None,
    heads: Annotated[int | None, typer.Option("--heads", "--encoder-attention-heads", help="Attention heads.")] = None,
    vocabulary: Annotated[int | None, typer.Option(help="Rows of the embedding tables.")] = None,
    share_all_embeddings: Annotated[
        bool | None, typer.Option("--share-all-embeddings", help="One table for both embeddings and the output.")
    ] = None,
    share_decoder_input_output_embed: Annotated[
        bool | None,
        typer.Option("--share-decoder-input-output-embed", help="One table for decoder and output."),
    ] = None,
    devices: Annotated[int, typer.Option(min=1, help="Devices that train together (DDP).")] = 1,
    precision: Annotated[str, typer.Option(help="fp32, amp, bf16 or fp16, as fairseq-train's flags.")] = "fp32",
    device: Annotated[str, typer.Option(help="cuda or cpu.")] = "cuda",
    reserve: Annotated[
        str | None,
        typer.Option(help="Of each device's memory, what is no tensor of a step. [default: 2GB on cuda, 0B on cpu]"),
    ] = None,
    gradient_as_bucket_view: Annotated[
        bool,
        typer.Option("--gradient-as-bucket-view", help="As in fairseq-train: DDP's buckets are the gradients."),
    ] = False,
    sentence_length: Annotated[
        int, typer.Option(min=1, help="Tokens of a pair's longer side, tag and end counted; or those of a block.")
    ] = 30,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Plan this batch of a device, not the largest that fits.")
    ] = None,
    update_freq: Annotated[int, typer.Option(min=1, help="Batches of each device in an update.")] = 1,
    updates: Annotated[int | None, typer.Option("--updates", "--max-update", help="Updates of the training.")] = None,
    epochs: Annotated[float | None, typer.Option(help="In place of --updates: times that the corpus is seen.")] = None,
    corpus_tokens: Annotated[int | None, typer.Option(help="Tokens of one epoch, counted as by --max-tokens.")] = None,
    tokens_per_second: Annotated[
        float | None, typer.Option(help="Measured: tokens that all devices together do each second.")
    ] = None,
    tflops: Annotated[
        float | None,
        typer.Option(help="10^12 operations a second of one device; with --utilisation, those that it could do."),
    ] = None,
    utilisation: Annotated[float | None, typer.Option(help="Part of --tflops that training reaches: 0.4.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, in bytes and numbers.")] = False,
) -> None:
    """Say what a training will need: memory with and without --checkpoint-activations, batches, and hours.

    mtdeep plan --arch deepnet_mt_200 --vocabulary 64000 --memory 80GB --devices 8 --precision bf16 --max-tokens 8192
    --updates 100000 --tflops 990 --utilisation 0.3
    """
    from mtdeep.cli.plan_report import report
    from mtdeep.planning import TRACES, Course, Training, make_plan, parse_bytes
    from mtdeep.progress import ProgressReport

    given = {
        "encoder_layers": encoder_layers,
        "decoder_layers": decoder_layers,
        "embed_dim": embed_dim,
        "encoder_ffn_dim": ffn_dim,
        "decoder_ffn_dim": ffn_dim,
        "encoder_heads": heads,
        "decoder_heads": heads,
        "source_vocabulary_size": vocabulary,
        "target_vocabulary_size": vocabulary,
        "share_all_embeddings": share_all_embeddings,
        "share_decoder_input_output_embed": share_decoder_input_output_embed,
    }
    training = Training(
        precision=precision,
        device=device,
        memory=parse_bytes(memory),
        sentence_length=sentence_length,
        devices=devices,
        reserve=None if reserve is None else parse_bytes(reserve),
        max_tokens=max_tokens,
        update_freq=update_freq,
        bucket_view=gradient_as_bucket_view,
    )
    course = Course(
        updates=updates,
        epochs=epochs,
        corpus_tokens=corpus_tokens,
        tokens_per_second=tokens_per_second,
        tflops=tflops,
        utilisation=utilisation,
    )
    config = chosen_config(
        model, checkpoint, arch, scheme, {name: value for name, value in given.items() if value is not None}
    )
    with ProgressReport() as progress:
        progress.stage("rehearsing training steps", TRACES)
        result = make_plan(config, training, course, step_done=progress.advance)
    if as_json:
        print(json.dumps(as_data(result), indent=2))
    else:
        report(result)


def chosen_config(
    model: Path | None, checkpoint: Path | None, arch: str | None, scheme: str | None, given: Mapping[str, Any]
) -> Config:
    """Return the configuration of a YAML file, a checkpoint, an architecture or a scheme, with what was given changed.

    A scheme brings what its architectures set. Raises UserError when there is no such configuration.
    """
    from mtdeep.checkpoint import read_checkpoint, read_config
    from mtdeep.nn import Config

    named = [str(source) for source in (model, checkpoint, arch) if source is not None]
    if len(named) > 1:
        raise UserError(f"{' and '.join(named)} are {len(named)} models; give one of them.")
    if arch is not None and scheme is not None:
        raise UserError(f"--arch {arch} and --scheme {scheme} both name a scheme; give one of them.")
    if not named and scheme is None:
        raise UserError("no model is named; give a YAML file, --checkpoint, or --arch or --scheme with --vocabulary.")
    if model is None and checkpoint is None and "source_vocabulary_size" not in given:
        raise UserError("--vocabulary is missing; give it, the rows of the embedding tables.")
    own = _fields_of(arch, scheme)
    for name in ("encoder_layers", "decoder_layers"):
        if own.get(name) == 0 and given.get(name):
            raise UserError(f"--arch {arch} has no {name.removesuffix('_layers')}; leave its layers out.")
    fields = {**own, **given}
    if model is not None:
        return read_config(model, fields)
    found = {} if checkpoint is None else read_checkpoint(checkpoint).config.to_dict()
    try:
        return Config.from_dict({**found, **fields})
    except ValueError as problem:
        raise UserError(f"{f'{checkpoint}: ' if checkpoint else ''}{problem}; correct it by an option.") from None


def _fields_of(arch: str | None, scheme: str | None) -> Mapping[str, Any]:
    from difflib import get_close_matches

    from mtdeep.nn.presets import PRESETS, scheme_fields

    if scheme is not None:
        return scheme_fields(scheme)  # type: ignore[arg-type]  # Config looks whether there is such a scheme
    if arch is not None and arch not in PRESETS:
        close = get_close_matches(arch, PRESETS, n=3) or ["deepnet_mt_200", "preln_mt", "deepnet_lm"]
        raise UserError(f"--arch {arch} is none of ours; give another, such as {', '.join(close)}.")
    return {} if arch is None else PRESETS[arch]


def as_data(result: Plan) -> dict[str, Any]:
    """Return the plan as plain data, with what follows from it."""
    data = asdict(result)
    data["training"]["reserve"] = result.training.reserved
    for row, batch in zip(data["batches"], result.batches, strict=True):
        row["fits"] = result.fits(batch)
        for number in ("tokens_per_update", "tokens_per_second", "updates", "epochs", "hours"):
            row[number] = getattr(result, number)(batch)
    return data
