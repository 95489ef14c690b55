"""Several processes that train one model, as `torchrun` starts them; most often there is one."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor, distributed, nn

from foregate.core import UsageError
from foregate.core.processes import started
from foregate.training.batches import Batch

__all__ = ["Team", "own_device", "team_of"]


@dataclass(frozen=True)
class Team:
    """This process, among those that train the same network on their shares of the same batches.

    The gradient of the whole batch is the mean of those of the shares by their weights, so that any number of processes
    takes the steps that one would take, up to rounding.

    Examples:
        >>> Team().mean(0.5, weight=3.0)
        0.5
    """

    rank: int = 0
    """The number of this process."""
    size: int = 1
    """How many there are."""
    device: torch.device = torch.device("cpu")  # noqa: RUF009 - immutable
    """Where this one computes."""

    @property
    def leads(self) -> bool:
        """Whether this process is the one that scores, writes and tells."""
        return self.rank == 0

    def share(self, batch: Batch) -> Batch:
        """The crops of this process: every `size`-th one. What has one dimension only is of all crops and stays whole.

        Raises:
            UsageError: there are fewer crops than processes.
        """
        if self.size == 1:
            return batch
        if len(batch.features) < self.size:
            raise UsageError(
                f"batch must be at least the number of processes, {self.size}, but got {len(batch.features)}. "
                "Start fewer processes."
            )
        arrays = {f.name: getattr(batch, f.name) for f in fields(batch)}
        own = {n: a[self.rank :: self.size] for n, a in arrays.items() if isinstance(a, np.ndarray) and a.ndim > 1}
        return replace(batch, **{name: np.ascontiguousarray(array) for name, array in own.items()})

    def mean(self, value: float, weight: float) -> float:
        """The mean of what each process has found, by weight."""
        if self.size == 1:
            return value
        total = self._sum([value * weight, weight])
        return float(total[0] / total[1].clamp(min=1e-9))

    def average_gradients(self, parameters: Sequence[nn.Parameter], weight: float) -> None:
        """Give every process the mean of all gradients by weight; a parameter that none has used keeps none."""
        if self.size == 1:
            return
        total, *used = self._sum([weight, *(float(p.grad is not None) for p in parameters)])
        shared = [p for p, count in zip(parameters, used, strict=True) if count]
        share = weight / float(total.clamp(min=1e-9))
        parts = [(torch.zeros_like(p) if p.grad is None else p.grad * share).flatten() for p in shared]
        flat = torch.cat(parts)
        distributed.all_reduce(flat)
        for p, part in zip(shared, torch.split(flat, [p.numel() for p in shared]), strict=True):
            p.grad = part.view_as(p).clone()

    def same_weights(self, network: nn.Module) -> None:
        """Give every process the weights of the first."""
        for value in network.state_dict().values() if self.size > 1 else ():
            distributed.broadcast(value, 0)

    def said(self, find: Callable[[], float]) -> float:
        """What the first process finds; the others wait for it."""
        if self.size == 1:
            return find()
        value = torch.tensor([find() if self.leads else 0.0], dtype=torch.float64, device=self.device)
        distributed.broadcast(value, 0)
        return value.item()

    def wait(self) -> None:
        """Until all processes have come this far."""
        if self.size > 1:
            self._sum([0.0])

    def _sum(self, numbers: Sequence[float]) -> Tensor:
        total = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total


def own_device(name: str) -> torch.device:
    """The device of this process by the name of a kind: of several GPUs its own.

    Examples:
        >>> own_device("cpu")
        device(type='cpu')
    """
    device = torch.device(name)
    if device.type == "cuda" and device.index is None and started().size > 1:
        return torch.device("cuda", started().local)
    return device


def team_of(name: str) -> Team:
    """The processes that `torchrun` has started, this one alone if it has not; they meet when this is first called.

    Args:
        name: of the device to compute on, see `own_device`.

    Examples:
        >>> team_of("cpu").size
        1
    """
    device = own_device(name)
    if started().size == 1:
        return Team(device=device)
    if not distributed.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(_leave)
    return Team(distributed.get_rank(), distributed.get_world_size(), device)


def _leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()
