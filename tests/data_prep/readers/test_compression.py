"""Compressed files of any members, padding and damage: the whole text, or an error; never a part of it."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.readers import compression
from data_prep.readers.compression import FORMATS, Compression, Unreadable, compression_of, decompress
from data_prep.readers.opening import read_blocks

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda text: gzip.compress(text, mtime=0),
    "xz": lambda text: lzma.compress(text, preset=0),
    "bzip2": bz2.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}
SKIPPABLE = b"\x5e\x2a\x4d\x18\x03\0\0\0<tu"
TEXTS = st.lists(st.binary(max_size=60) | st.sampled_from([b"", bytes(5000), b"line\n" * 900]), min_size=1, max_size=5)
formats = pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
many = settings(max_examples=60, deadline=None)


@pytest.fixture(autouse=True, scope="module")
def small_steps() -> Iterator[None]:
    """A few bytes at a time, so that short files come to every edge between two of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"_FEED": 37, "_SIP": 5, "BLOCK": 64, "_LEAST": 100}.items():
            patch.setattr(compression, name, value)
        yield


def content(kind: Compression, packed: bytes, cuts: Sequence[int] = ()) -> bytes:
    places = [0, *sorted(cut % (len(packed) + 1) for cut in cuts), len(packed)]
    blocks = (packed[start:end] for start, end in pairwise(places) if start < end)
    return b"".join(decompress(kind, blocks))


@formats
@many
@given(texts=TEXTS, zeros=st.lists(st.integers(0, 40), min_size=5, max_size=5), cuts=st.lists(st.integers(0, 9999)))
def test_members_and_padding(kind: Compression, texts: list[bytes], zeros: list[int], cuts: list[int]) -> None:
    packed = b"".join(PACK[kind.name](text) + bytes(kind.padding * n) for text, n in zip(texts, zeros, strict=False))
    assert compression_of(packed) is kind
    assert content(kind, packed, cuts) == b"".join(texts)


@many
@given(texts=TEXTS, places=st.sets(st.integers(0, 5)))
def test_skippable_frames_hold_nothing(texts: list[bytes], places: set[int]) -> None:
    frames = [PACK["zstd"](text) for text in texts]
    for place in sorted(places):
        frames.insert(place, SKIPPABLE)
    packed = b"".join(frames)
    kind = compression_of(packed)
    assert kind is not None and kind.name == "zstd"
    assert content(kind, packed) == b"".join(texts)


@formats
@settings(max_examples=120, deadline=None)
@given(texts=TEXTS, place=st.integers(0, 10**6), change=st.integers(1, 255))
def test_a_changed_byte_costs_the_file_or_nothing(
    kind: Compression, texts: list[bytes], place: int, change: int
) -> None:
    packed = bytearray(b"".join(map(PACK[kind.name], texts)))
    packed[place % len(packed)] ^= change
    try:
        found = content(kind, bytes(packed))
    except Unreadable:
        return
    assert found == b"".join(texts) or compression_of(bytes(packed)) is not kind


@formats
@many
@given(texts=TEXTS, place=st.integers(1, 10**6))
def test_what_breaks_off_in_a_member_is_refused(kind: Compression, texts: list[bytes], place: int) -> None:
    *before, last = map(PACK[kind.name], texts)
    cut = last[: 1 + place % (len(last) - 1)]
    with pytest.raises(Unreadable, match=r"ends before its data do|something else than"):
        content(kind, b"".join([*before, cut]))


@formats
@many
@given(texts=TEXTS, rubbish=st.binary(min_size=1, max_size=90).filter(lambda data: data.strip(b"\0")))
def test_rubbish_behind_is_refused(kind: Compression, texts: list[bytes], rubbish: bytes) -> None:
    packed = b"".join(map(PACK[kind.name], texts))
    if kind.start.match(rubbish.lstrip(b"\0")):
        return
    with pytest.raises(Unreadable, match=f"from byte {len(packed) + len(rubbish) - len(rubbish.lstrip(bytes(1)))} on"):
        content(kind, packed + rubbish)


@pytest.mark.parametrize(("kind", "zeros"), [("xz", 3), ("xz", 6), ("zstd", 4)])
def test_zeros_that_are_no_padding_are_refused(kind: str, zeros: int) -> None:
    packed = PACK[kind](b"one\n")
    with pytest.raises(Unreadable, match=f"{zeros} zero bytes from byte {len(packed)} on are no padding of {kind}"):
        content(compression_of(packed), packed + bytes(zeros) + packed)


def test_a_window_of_two_gibibytes_is_read(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=31, enable_ldm=False, hash_log=6, chain_log=6)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = compressor.compress(b"one\n") + compressor.flush()
    assert zstandard.get_frame_parameters(packed).window_size == compression.MOST_MEMORY
    (tmp_path / "a").write_bytes(packed)
    assert b"".join(read_blocks(tmp_path / "a")) == b"one\n"


def test_small_members_make_no_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = PACK["gzip"](b"one\n") * 1000
    blocks = list(decompress(compression_of(packed), iter([packed])))
    assert all(len(block) >= 100 for block in blocks[:-1]) and b"".join(blocks) == b"one\n" * 1000
