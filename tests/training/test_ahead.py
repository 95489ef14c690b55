"""Batches drawn by other processes."""

from dataclasses import dataclass, fields

import numpy as np
import pytest

from foregate.core import DataError
from foregate.training.ahead import drawn_ahead
from foregate.training.batches import Batch
from foregate.training.options import TrainingOptions


@dataclass(frozen=True)
class Numbered:
    """A source whose batches say which step they are for; that of step `broken` cannot be drawn."""

    options: TrainingOptions
    broken: int = -1
    fingerprint: int = 7

    def draw(self, step):
        if step == self.broken:
            raise DataError("this step must not be drawn, but got asked.")
        return Batch(*[np.full(1, step)] * len(fields(Batch)))


@pytest.mark.parametrize("processes", [0, 2])
def test_batches_come_in_their_order(processes):
    """Whoever draws them, the batch of a step is that of the step, from any step on, up to the last one."""
    with drawn_ahead(Numbered(TrainingOptions(steps=9)), processes) as source:
        assert [int(source.draw(step).column[0]) for step in range(4, 9)] == [4, 5, 6, 7, 8]
        assert source.fingerprint == 7
        assert source.options.steps == 9
        assert not getattr(source, "waiting", {}), "nothing is drawn that is not needed"


def test_what_goes_wrong_elsewhere_is_told_here():
    """An error in another process is raised at the step it belongs to, and no later."""
    with drawn_ahead(Numbered(TrainingOptions(steps=9), broken=2), 1) as source:
        source.draw(0)
        source.draw(1)
        with pytest.raises(DataError, match="must not be drawn"):
            source.draw(2)
