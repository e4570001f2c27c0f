"""The mean of checkpoints, and which have none."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mtdeep.checkpoint import average, read_checkpoint
from mtdeep.errors import UserError
from mtdeep.nn import Config, EncoderDecoder

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path, tiny_config: Callable[..., Config]) -> Save:
    """Write a checkpoint: (name, updates, field=value of its configuration)."""

    def write(name: str, updates: int | None, **changes: object) -> Path:
        config = tiny_config(12, **changes)
        state = {
            "cfg": {"model": Namespace(arch="deepnet_mt", mtdeep_config=config.to_dict())},
            "model": EncoderDecoder(config).state_dict(),
            "optimizer_history": [{} if updates is None else {"num_updates": updates}],
        }
        torch.save(state, tmp_path / name)
        return tmp_path / name

    return write


def test_it_is_the_mean_and_the_last_ones_record(save: Save) -> None:
    paths = [save(f"{updates}.pt", updates) for updates in (10, 20, 30)]
    torch.save(average(paths), mean := paths[0].with_name("mean.pt"))
    found, parts = read_checkpoint(mean), [read_checkpoint(path).tensors for path in paths]
    assert found.provenance.updates == 30
    assert found.config == read_checkpoint(paths[-1]).config
    for name, tensor in found.tensors.items():
        torch.testing.assert_close(tensor, torch.stack([part[name] for part in parts]).mean(0), rtol=0, atol=1e-6)


def test_each_type_keeps_its_own(tmp_path: Path) -> None:
    """Some are more than half precision can hold in sum, but their mean is not."""
    kinds = {"half": torch.float16, "brain": torch.bfloat16, "single": torch.float32, "double": torch.float64}
    states = []
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        values = {name: 60_000 + 1000 * torch.rand(5, 3, generator=generator) for name in kinds}
        model = {name: tensor.to(kinds[name]) for name, tensor in values.items()}
        states.append({"model": model, "extra_state": {"seed": seed}})
        torch.save(states[-1], tmp_path / f"{seed}.pt")
    mean = average([tmp_path / f"{seed}.pt" for seed in range(3)])
    assert mean["extra_state"] == {"seed": 2}
    for name, kind in kinds.items():
        expected = torch.stack([state["model"][name].double() for state in states]).mean(dim=0).to(kind)
        assert mean["model"][name].dtype == kind and torch.equal(mean["model"][name], expected)


def test_other_tensors(save: Save) -> None:
    with pytest.raises(UserError, match=r"a\.pt: has other tensors than .*b\.pt; average checkpoints of one training"):
        average([save("a.pt", 10), save("b.pt", 10, embed_dim=32)])
    with pytest.raises(UserError, match=r"no checkpoints to average; name one"):
        average([])


def test_no_checkpoint(tmp_path: Path) -> None:
    torch.save({"args": Namespace()}, tmp_path / "a.pt")
    with pytest.raises(UserError, match=r"a\.pt: no fairseq checkpoint, it has no model"):
        average([tmp_path / "a.pt"])


@pytest.mark.parametrize("updates", [(4, 4), (6, 6), (6, 700), (700, 6)])
def test_branches_of_one_weight(updates: tuple[int, int], save: Save) -> None:
    """Two layers a side and T = 3: the warm-up ends after six updates."""
    average([save(f"{number}.pt", count, branch_warm_up=3) for number, count in enumerate(updates)])


@pytest.mark.parametrize("updates", [(4, 5), (5, 6), (6, 5), (0, 1)])
def test_branches_of_other_weights(updates: tuple[int, int], save: Save) -> None:
    paths = [save(f"{number}.pt", count, branch_warm_up=3) for number, count in enumerate(updates)]
    with pytest.raises(UserError, match=r"0\.pt: its branches have another weight than those of .*1\.pt"):
        average(paths)


def test_another_warm_up(save: Save) -> None:
    with pytest.raises(UserError, match=r"a\.pt: its branches have another weight than those of .*b\.pt"):
        average([save("a.pt", 4, branch_warm_up=3), save("b.pt", 4, branch_warm_up=4)])
    average([save("a.pt", 6, branch_warm_up=3), save("b.pt", 4)])


def test_updates_that_are_not_recorded(save: Save) -> None:
    """Without a warm-up they do not matter."""
    read_checkpoint(save("a.pt", None)).model()
    path = save("b.pt", None, branch_warm_up=3)
    for read in (lambda: read_checkpoint(path).model(), lambda: average([path])):
        with pytest.raises(UserError, match=r"b\.pt: does not record how many updates .* \(branch_warm_up 3\); give a"):
            read()
