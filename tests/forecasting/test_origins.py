"""Laws of reading a panel once and looking ahead from anywhere in it, for networks of every kind."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import UsageError
from foregate.data.inputs import Inputs
from foregate.forecasting import origins as module
from foregate.forecasting.origins import decode_state, in_batches, raw_quantiles, read_origins
from foregate.forecasting.recursion import states_at
from tests.forecasting.networks import EVERY_WAY, HORIZON, LEVELS, RECURSIVE, close, counts, model, told

ways = pytest.mark.parametrize("label", EVERY_WAY)
ORIGINS = np.array([[29, 12, 6, -1], [-1, 13, 9, 5], [21, -1, 20, 4]])
K = np.arange(1, HORIZON + 1)


def said(made, panel, origins, k=K):
    """What is said (S, O, K, Q) at origins; NaN where there is none."""
    out = np.full((*origins.shape, len(k), len(LEVELS)), np.nan)
    for series, column, rows, raw in raw_quantiles(made.engine, Inputs(panel, made.spec), origins, k):
        np.testing.assert_array_equal(rows, panel.offsets[series] + origins[series, column])
        out[series, column] = raw
    return out


@ways
def test_an_origin_inside_is_the_end_of_what_was_cut_there(label):
    """The forecast from inside a panel is that of the panel cut at the origin; -1 is no origin."""
    panel, made = counts(), model(label)
    inside = said(made, panel, ORIGINS)
    np.testing.assert_array_equal(np.isnan(inside).all((2, 3)), ORIGINS < 0)
    for o in range(ORIGINS.shape[1]):
        which = np.flatnonzero(ORIGINS[:, o] >= 0)
        cut = panel.take(which).cut(ORIGINS[which, o] + 1)
        close(said(made, cut, (cut.lengths - 1)[:, None])[:, 0], inside[which, o])


@pytest.mark.parametrize("label", [*EVERY_WAY, *RECURSIVE])
def test_alone_is_together(label):
    """A series has the forecasts it has alone beside series of any other length, also where it begins late."""
    panel, made = counts(), model(label)
    together = said(made, panel, ORIGINS)
    for i in range(3):
        close(said(made, panel.take([i]), ORIGINS[[i]]), together[[i]])


@ways
@pytest.mark.parametrize("sizes", [(5, 40, 11), (1, 1, 1)])
def test_batches_and_blocks_do_not_matter(monkeypatch, label, sizes):
    """However histories are cut into pieces, what is carried from one to the next is enough."""
    panel, made = counts(), model(label)
    expected = said(made, panel, ORIGINS)
    for name, size in zip(("ENCODER_STEPS", "ENCODER_CELLS", "DECODER_CELLS"), sizes, strict=True):
        monkeypatch.setattr(module, name, size)
    close(said(made, panel, ORIGINS), expected)


@pytest.mark.parametrize("label", [*EVERY_WAY, *RECURSIVE])
def test_a_carried_state_says_what_a_pass_says(label):
    """Read row by row into a state, or in one pass: the same is said after the last rows, with covariates too."""
    panel, columns = told(counts())
    made = model(label, columns=columns)
    origins = np.array([[20], [8], [15]])
    expected = said(made, panel, origins)[:, 0]
    state = states_at(made.engine, Inputs(panel, made.spec), np.arange(3), panel.offsets[:-1] + origins[:, 0])
    found = np.empty_like(expected)
    for part, raw in decode_state(state, np.arange(3), K):
        found[part] = raw
    close(found, expected)


@pytest.mark.parametrize("label", [*EVERY_WAY, *RECURSIVE])
def test_some_steps_are_those_of_all(label):
    """Asked for a few steps, a network that writes or feeds back goes through those before as well."""
    panel, made = counts(), model(label)
    close(said(made, panel, ORIGINS, np.array([2, 5])), said(made, panel, ORIGINS)[:, :, [1, 4]])


@pytest.mark.parametrize("label", ["direct", "each", "seq2seq"])
def test_steps_out_of_reach_are_refused(label):
    """A model made for five steps says so when it is asked for six."""
    panel, made = counts(), model(label)
    with pytest.raises(UsageError, match="at most the 5 steps that this model was made for, but got 6"):
        said(made, panel, ORIGINS, np.arange(1, 7))


@pytest.mark.parametrize("label", ["lstm", "recursive+draws=20"])
def test_others_look_as_far_as_is_asked(label):
    """Networks without outputs or weights for each step serve any horizon."""
    assert np.isfinite(said(model(label), counts(), ORIGINS[:, 1:2], np.array([1, 60]))[0]).all()


def test_states_are_those_of_the_engine():
    """A pass gives the network's own states and features of the rows it was asked for, once each."""
    panel, made = counts(), model("patched+gru+lookback=7")
    inputs, found = Inputs(panel, made.spec), {}
    for series, column, rows, states, features in read_origins(made.engine, inputs, ORIGINS):
        np.testing.assert_array_equal(features, inputs.features(rows))
        found |= {(s, o): state for s, o, state in zip(series.tolist(), column.tolist(), states, strict=True)}
    assert found.keys() == set(zip(*(each.tolist() for each in np.nonzero(ORIGINS >= 0)), strict=True))
    for (s, o), state in found.items():
        rows = panel.offsets[s] + np.arange(panel.first_observed[s], ORIGINS[s, o] + 1)
        alone, _ = made.engine.encode(inputs.features(rows[None]), np.array([[len(rows) - 1]]))
        np.testing.assert_allclose(state, alone[0, 0], rtol=1e-4, atol=1e-5)


@given(st.lists(st.integers(0, 5000), max_size=40), st.sampled_from([1, 100, 50_000]))
def test_batches_hold_every_series_once(lengths, cells):
    """Shortest first, those of nothing left out, and not much more than so many cells together."""
    before = module.ENCODER_CELLS
    module.ENCODER_CELLS = cells
    try:
        batches = list(in_batches(np.array(lengths, np.int64)))
    finally:
        module.ENCODER_CELLS = before
    every = np.concatenate([np.zeros(0, np.int64), *batches])
    assert sorted(every.tolist()) == [i for i, length in enumerate(lengths) if length]
    assert np.all(np.diff(np.array(lengths)[every]) >= 0)
    for batch in batches:
        assert len(batch) == 1 or max(lengths[i] for i in batch) * len(batch) <= 1.25 * cells
