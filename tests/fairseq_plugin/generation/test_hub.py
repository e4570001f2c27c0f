"""from_pretrained(...).translate(text) gives what fairseq-interactive gives, in any direction of the store."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, Thread

import pytest
import torch
from fairseq import file_utils
from fairseq.models.transformer import TransformerModel

from mtdeep.corpus import Direction, Store
from mtdeep.corpus.databin import write_databin
from mtdeep.errors import UserError

LINES = ["eab eob .", "", "eΩb eud."]


@pytest.fixture(scope="module")
def hub(unknown_store: Path, checkpoint: Path):
    """As anybody loads a translation model of fairseq's, with a tokeniser's file of another project beside it."""
    (checkpoint.parent / "sentencepiece.bpe.model").write_bytes(b"another's")
    (checkpoint.parent / "code").write_bytes(b"another's")
    languages = {"source_lang": "en", "target_lang": "de"}
    return TransformerModel.from_pretrained(
        str(checkpoint.parent), checkpoint.name, str(unknown_store), max_len_b=12, **languages
    )


def test_text_comes_out_as_from_fairseq_interactive(hub, interact, read) -> None:
    output = interact("".join(line + "\n" for line in LINES), "--beam", "5")
    expected = [columns[0][1] for columns in read(output, "D").values()]
    assert hub.translate(LINES, beam=5, max_len_b=12) == expected
    assert hub.translate(LINES[0], max_len_b=12) == expected[0]
    assert expected[1] == ""


def test_one_hub_translates_every_direction(hub, interact, read) -> None:
    pair = ("--task", "many_to_many_translation", "--cpu", "-s", "de", "-t", "zh_Hans", "--max-len-b", "12")
    output = interact("dab dob .\n", pair=pair)
    asked = {"source_lang": "de", "target_lang": "zh-Hans", "max_len_b": 12}
    assert hub.translate("dab dob .", **asked) == read(output, "D")[0][0][1]
    assert hub.sample(["dab dob ."], beam=5, **asked) == [read(output, "D")[0][0][1]]
    tokens = hub.generate(hub.encode("dab"), beam=2, **asked)[0]["tokens"]
    assert tokens[0] == hub.task.store.vocabulary.tag("zh-Hans")
    assert hub.translate(LINES[0], max_len_b=12) == hub.translate(LINES[:1], max_len_b=12)[0]
    assert (hub.task.cfg.source_lang, hub.task.cfg.target_lang) == ("en", "de")
    with pytest.raises(UserError, match="unknown language code 'xx'"):
        hub.translate("dab", target_lang="xx")
    assert (hub.task.cfg.source_lang, hub.task.cfg.target_lang) == ("en", "de")


def test_languages_that_are_missing_are_named_as_python_has_them(hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hub.task.cfg, "target_lang", None)
    with pytest.raises(UserError, match=r"^name the languages .* with source_lang= and target_lang=\.$"):
        hub.translate("dab", source_lang="de")
    with pytest.raises(UserError, match=r"source_lang= and target_lang=\.$"):
        hub.score("dab", "eab")
    assert hub.translate("eab", target_lang="de", max_len_b=12)


def test_encoding_is_the_stores(hub, store: Store) -> None:
    ids = hub.encode("eab eob .")
    assert ids.tolist() == [*store.subwords().encode(["eab eob ."])[0], store.vocabulary.eos]
    assert hub.decode(ids) == "eab eob ."
    assert hub.decode(torch.cat([torch.tensor([store.vocabulary.tag("de")]), ids])) == "eab eob ."
    assert store.vocabulary.unk in hub.encode("eΩb").tolist()


def test_scores_of_given_translations(hub, store: Store) -> None:
    """Those of a forward pass over the reference, tag and end-of-sentence counted, in natural logarithms."""
    found = hub.score(["eab", "eob eud ."], ["dab dob", "dud ."])
    vocabulary, model = store.vocabulary, hub.models[0]
    for source, reference, hypothesis in zip(["eab", "eob eud ."], ["dab dob", "dud ."], found, strict=True):
        src = torch.tensor([[vocabulary.tag("en"), *hub.encode(source)]])
        target = torch.tensor([vocabulary.tag("de"), *hub.encode(reference)])
        previous = torch.tensor([[vocabulary.eos, *target[:-1]]])
        with torch.no_grad():
            expected = model(src, None, previous)[0][0].log_softmax(-1).gather(1, target[:, None])[:, 0]
        torch.testing.assert_close(hypothesis["positional_scores"], expected)
        torch.testing.assert_close(hypothesis["score"], expected.mean())
    torch.testing.assert_close(hub.score("eab", "dab dob")["score"], found[0]["score"])
    with pytest.raises(UserError, match="2 sentences and 1 translations"):
        hub.score(["eab", "eob"], ["dab"])
    with pytest.raises(UserError, match="needs the translations"):
        hub.score(["eab"])


def test_options_are_heeded_or_refused(hub) -> None:
    with pytest.raises(UserError, match="no option beams of generation"):
        hub.translate(LINES, beams=3)
    with pytest.raises(UserError, match="--temperature is 0"):
        hub.translate(LINES, temperature=0.0)
    assert len(hub.generate(hub.encode("eab"), beam=3, sampling=True, sampling_topk=5, max_len_b=12)) == 3
    aligned = hub.generate(hub.encode("eab eob"), beam=2, print_alignment="hard", max_len_b=12)[0]
    assert [target for _, target in aligned["alignment"]] == list(range(len(hub.string(aligned["tokens"]).split(" "))))


def test_threads_that_share_a_hub_translate_into_their_own_languages(hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for the other between naming its language and translating."""
    together = Barrier(2, timeout=20)
    step = type(hub.task).inference_step

    def waiting(*arguments, **options):
        together.wait()
        return step(*arguments, **options)

    monkeypatch.setattr(type(hub.task), "inference_step", waiting)
    ids = hub.encode("eab eob .")

    def first_token(target: str) -> int:
        return int(hub.generate(ids, beam=1, source_lang="en", target_lang=target, max_len_b=3)[0]["tokens"][0])

    targets = ["de", "zh-Hans"]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(first_token, targets))
    assert found == [hub.task.store.vocabulary.tag(target) for target in targets]


def test_threads_that_share_a_hub_align_their_own_sentences(hub) -> None:
    """Both are in the layer that is aligned by at once, in the pass that scores and in the one that aligns."""
    pairs = [("eab eob .", "dab dob ."), ("eud", "dob")]

    def aligned(pair: tuple[str, str]) -> torch.Tensor:
        return hub.score(*pair, print_alignment="soft")["attention"]

    expected = [aligned(pair) for pair in pairs]
    together = Barrier(2, timeout=20)

    def wait(*_: object) -> None:
        together.wait()

    handle = hub.models[0].decoder.layers[1].encoder_attn.register_forward_pre_hook(wait)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(aligned, pairs))
    handle.remove()
    for mine, alone in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, alone, rtol=0, atol=0)


def test_sentences_that_are_too_long_are_named(hub) -> None:
    longest = hub.max_positions[0]
    text = "eab " * longest
    with pytest.raises(UserError, match=rf"^sentence 2 of 2 has \d+ tokens, and the model reads at most {longest}"):
        hub.translate(["eab", text])
    with pytest.raises(UserError, match=r"^sentence 1 of 1 has"):
        hub.score(text, "dab")
    with pytest.raises(UserError, match=r"^translation 1 of 1 has"):
        hub.score("eab", text)
    ids = [hub.encode("eab"), hub.encode(text)]
    assert len(hub.generate(ids, skip_invalid_size_inputs=True, max_len_b=3)) == 1


def from_pretrained(checkpoint: Path, store: Path, **options: object):
    languages = {"source_lang": "en", "target_lang": "de"}
    return TransformerModel.from_pretrained(
        str(checkpoint.parent), checkpoint.name, str(store), **{**languages, **options}
    )


def test_what_has_moved_is_named_with_what_to_give(unknown_store: Path, checkpoint: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    says = rf"^{gone}: there is no such folder or archive; give from_pretrained the path that"
    with pytest.raises(UserError, match=says):
        from_pretrained(checkpoint, gone)
    with pytest.raises(UserError, match=says):
        from_pretrained(gone / "checkpoint.pt", unknown_store)
    without = tmp_path / "without"
    shutil.copytree(unknown_store, without)
    (without / "sentencepiece.model").unlink()
    with pytest.raises(UserError, match=r"sentencepiece\.model: missing, .*; prepare the store again, or restore"):
        from_pretrained(checkpoint, without)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own for what fairseq fetches, past any proxy."""
    monkeypatch.setattr(file_utils, "PYTORCH_FAIRSEQ_CACHE", tmp_path / "cache")
    monkeypatch.setenv("NO_PROXY", "*")
    return tmp_path / "cache"


@pytest.fixture
def empty_site() -> Iterator[str]:
    """The address of a server that has nothing."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:1/model.tar.gz", "Connection refused"),
        ("gopher://host/model.tar.gz", "fairseq knows no such protocol"),
        ("s3://bucket/model.tar.gz", "botocore"),
    ],
)
def test_what_cannot_be_fetched_is_named_with_the_reason(
    address: str, reason: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(UserError) as problem:
        TransformerModel.from_pretrained(address)
    assert str(problem.value).startswith(f"{address}: cannot be fetched (")
    assert reason in str(problem.value)
    assert str(problem.value).endswith(
        "); check the address and the network, or give from_pretrained the folder of a copy."
    )


def test_what_is_no_archive_is_named(empty_site: str, cache: Path, checkpoint: Path) -> None:
    """A server answers with a page of its own where it has nothing, and fairseq keeps that for the next time."""
    address = f"{empty_site}/model.tar.gz"
    with pytest.raises(UserError) as problem:
        TransformerModel.from_pretrained(address)
    (page,) = (path for path in cache.iterdir() if path.suffix != ".json")
    assert str(problem.value) == (
        f"{address}: is neither a folder nor an archive of one (not a gzip file); check the address, and delete {page} "
        "to fetch it again."
    )
    with pytest.raises(
        UserError,
        match=r"checkpoint\.pt: is neither a folder nor an archive of one \(.* 'pt'\); give from_pretrained the folder",
    ):
        TransformerModel.from_pretrained(str(checkpoint))


def test_a_tool_that_a_checkpoint_names_is_missing(
    unknown_store: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of this checkpoint alone: one with a tokeniser's file beside it would have that taken."""
    alone = shutil.copy(checkpoint, tmp_path)
    monkeypatch.setitem(sys.modules, "sacremoses", None)
    model = {"bpe": "sentencepiece", "sentencepiece_model": str(tmp_path / "gone.model")}
    for options, says in (
        (model, r"^--bpe sentencepiece: .*gone\.model.*; give a file that can be read\.$"),
        ({"bpe": "sentencepiece"}, r"^--bpe sentencepiece: --sentencepiece-model is missing; give it\.$"),
        ({"bpe": "sentencepeice"}, r"^--bpe sentencepeice: there is no such tool; name one of .*sentencepiece"),
        ({"tokenizer": "moses"}, r"^--tokenizer moses: .*pip install sacremoses; do that, or leave the option out\.$"),
    ):
        with pytest.raises(UserError, match=says):
            from_pretrained(Path(alone), unknown_store, **options)


def test_a_tool_of_a_model_of_fairseqs_own_is_missing(store: Store, save_random, tmp_path: Path) -> None:
    write_databin(store, tmp_path / "bin", [Direction("en", "de")], ["train"])
    sizes = "--arch transformer --encoder-layers 1 --decoder-layers 1 --encoder-embed-dim 8 --encoder-attention-heads 2"
    path = save_random(tmp_path / "stock.pt", tmp_path / "bin", "--task", "translation", *sizes.split())
    model = {"bpe": "sentencepiece", "sentencepiece_model": str(tmp_path / "gone.model")}
    with pytest.raises(UserError, match=r"^--bpe sentencepiece: .*gone\.model.*; give a file that can be read\.$"):
        from_pretrained(path, tmp_path / "bin", **model)
