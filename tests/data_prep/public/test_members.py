"""Members of archives: those that are meant, under names of our own, and nothing an archive says beside."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from data_prep.public.members import take_out, zip_members
from data_prep.readers import opening
from mtdeep.errors import UserError

Pack = Callable[[Path, Mapping[str, bytes]], None]
FILES = {"./set/dev/a.de": b"eins\n", "set/dev/a.en": b"one\n", "set/test/a.en": b"two\n", "../../evil.fr": b"mal\n"}


def pack_zip(path: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.removeprefix("./"), content)


def pack_tar(path: Path, files: Mapping[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.fixture(params=[pack_zip, pack_tar], ids=["zip", "tar"])
def pack(request: pytest.FixtureRequest) -> Pack:
    made: Pack = request.param
    return made


def test_what_the_patterns_mean_in_their_order(tmp_path: Path, pack: Pack) -> None:
    pack(tmp_path / "a", FILES)
    found = take_out(tmp_path / "a", ["set/dev/a.en", "*.de"], tmp_path / "out")
    assert [path.read_bytes() for path in found] == [b"one\n", b"eins\n"]
    assert [path.name.partition("-")[2] for path in found] == ["a.en", "a.de"]
    assert sorted(tmp_path.joinpath("out").iterdir()) == sorted(found)


def test_no_name_leads_out_of_the_folder(tmp_path: Path, pack: Pack) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    pack(tmp_path / "a", FILES | {"long/" + "é" * 300 + ".en.gz": b"x"})
    (evil,) = take_out(tmp_path / "a", ["*evil.fr"], tmp_path / "deep" / "er")
    (long,) = take_out(tmp_path / "a", ["long/*"], tmp_path / "deep" / "er")
    assert evil.parent == long.parent == tmp_path / "deep" / "er" and long.suffix == ".gz"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "deep"]


@pytest.mark.parametrize(("pattern", "how"), [("*.fi", "no member"), ("*/a.en", "2 members")])
def test_a_pattern_that_means_none_or_several_is_a_sentence(tmp_path: Path, pack: Pack, pattern: str, how: str) -> None:
    pack(tmp_path / "a", FILES)
    with pytest.raises(UserError, match=rf"{how} '.*' among .*set/dev/a.de.*; mtdata's index may be out of date"):
        take_out(tmp_path / "a", [pattern], tmp_path / "out")
    if pack is pack_zip:
        with pytest.raises(UserError, match=how):
            zip_members(tmp_path / "a", [pattern])


def test_damage_and_bombs_are_sentences_and_leave_nothing(
    tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = tmp_path / "a", tmp_path / "out"
    pack(path, {"a.en": os.urandom(300_000)})
    whole = path.read_bytes()
    path.write_bytes(whole[:100_000])
    with pytest.raises(UserError, match=r"a(:\d+)?: (no|not a) whole .*fetch it again"):
        take_out(path, ["a.en"], out)
    monkeypatch.setattr(opening, "_ALWAYS_ALLOWED", 1000)
    monkeypatch.setattr(opening, "MOST_EXPANSION", 100)
    pack(path, {"a.en": bytes(1_000_000)})
    with pytest.raises(UserError, match="expands to more than"):
        take_out(path, ["a.en"], out)
    assert not out.exists() or not list(out.iterdir())


def test_links_devices_and_holes_of_a_tar_are_no_members(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE):
            member = tarfile.TarInfo("a.en")
            member.type, member.linkname = kind, str(tmp_path / "secret")
            archive.addfile(member)
    with pytest.raises(UserError, match="no member"):
        take_out(tmp_path / "a.tar", ["a.en"], tmp_path / "out")


def test_a_tar_s_compression_is_read_to_its_end(tmp_path: Path) -> None:
    pack_tar(tmp_path / "a", {"a.en": b"one\n"})
    padded = gzip.decompress((tmp_path / "a").read_bytes()) + bytes(2 << 20)  # as a tape's last block may be
    content = bytearray(gzip.compress(padded))
    content[-8] ^= 1  # of the checksum of all
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserError, match=r"a:\d+: not a whole gzip file"):
        take_out(tmp_path / "a", ["a.en"], tmp_path / "out")


def test_a_tar_that_is_cut_between_its_blocks(tmp_path: Path) -> None:
    pack_tar(tmp_path / "a.tar.gz", {"a.en": bytes(3000), "a.de": b"x"})
    plain = gzip.decompress((tmp_path / "a.tar.gz").read_bytes())
    (tmp_path / "a.tar").write_bytes(plain[:1500])
    with pytest.raises(UserError, match="no whole archive that can be read"):
        take_out(tmp_path / "a.tar", ["a.en"], tmp_path / "out")
