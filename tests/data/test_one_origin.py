"""One origin is looked ahead from as `View.steps` does, and led back from as `View.restore` does."""

import numpy as np
import pytest

from foregate.data.clock import Clock
from foregate.data.input_spec import InputSpec
from foregate.data.one_origin import OneOrigin, restored
from foregate.data.one_row import OneRow
from tests.data.test_one_row import SEASONS, some, state_of


@pytest.mark.parametrize("kind", ["positive", "signed", "constant"])
@pytest.mark.parametrize("seasons", SEASONS)
def test_an_origin_is_what_a_view_says(kind, seasons):
    """Steps, candidate paths and the way back to the units of the data, from the first rows on and any steps ahead."""
    spec, y = InputSpec(seasons, 3, 20, clock=Clock.of(0.25, 7.0)), some(kind)
    for rows in (1, 2, 3, 5, 8, 13, 21, 24, 34, 89):
        state = state_of(y[:rows], spec)
        view, row = state.view(np.array([0])), OneRow(spec, state.arrays)
        latest = row.latest(0)
        for K in (1, 4, 40):
            origin = OneOrigin(spec, K)
            for _ in range(2):  # what is left of the time before does no harm
                origin.look(latest, row)
            steps, paths = view.steps(np.array([0]), np.arange(1, K + 1))
            size = np.abs(paths).max()
            np.testing.assert_allclose(origin.steps.T, steps[0], rtol=1e-5, atol=2e-6)
            np.testing.assert_allclose(origin.paths.T, paths[0], rtol=1e-5, atol=2e-6 * max(size, 1))
            outputs = np.random.default_rng(1).normal(0, 30, (K, 3))
            expected = view.restore(np.array([0]), outputs[None])[0]
            np.testing.assert_allclose(restored(latest, outputs), expected, rtol=1e-5)
