"""Laws of augmentation: only what is trained on changes, and it changes as it was asked to."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from foregate.core import Covariate, DataError, Panel, UsageError
from foregate.data.augment import Augment, augmented, strided

KINDS = {
    "jitter": Augment(jitter=0.5),
    "scaling": Augment(scaling=0.3),
    "time_warp": Augment(time_warp=3.0, knot=10),
    "magnitude_warp": Augment(magnitude_warp=0.3, knot=10),
    "all": Augment(0.5, 0.3, 3.0, 0.3, knot=7),
}
each_kind = pytest.mark.parametrize("augment", KINDS.values(), ids=KINDS)


def rng(seed=0):
    return np.random.default_rng(seed)


def panel_of(lengths=(40, 1, 25, 2), *, missing=0.2, seed=0, low=10.0):
    """Seasonal series with missing values; the second row of each is there."""
    given = rng(seed)
    series = []
    for n in lengths:
        values = low + np.sin(2 * np.pi * np.arange(n) / 6) + given.normal(0, 0.2, n)
        values[(given.random(n) < missing) & (np.arange(n) > 0)] = np.nan
        series.append(values)
    return Panel.from_arrays(series)


def training_rows(panel, limits):
    place = np.arange(len(panel.values)) - panel.offsets[panel.row_series]
    return place < limits[panel.row_series]


@each_kind
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    cut=st.integers(0, 45),
    seed=st.integers(0, 99),
)
def test_what_is_held_out_keeps_its_bits(augment, lengths, cut, seed):
    """Rows from the limits on, masks, times and the given panel are as they were, and what changed is finite."""
    panel = panel_of(lengths, seed=seed)
    before = panel.values.copy()
    limits = np.minimum(panel.lengths, cut)
    other = augmented(panel, limits, augment, rng(seed))
    held = ~training_rows(panel, limits)
    np.testing.assert_array_equal(other.values[held].view(np.int32), panel.values[held].view(np.int32))
    np.testing.assert_array_equal(panel.values, before)
    assert other.mask is panel.mask
    assert other.times is panel.times
    assert other.values.dtype == np.float32
    assert np.isfinite(other.values).all()


@each_kind
def test_training_rows_change(augment):
    """Observed values of a series that varies are not what they were; another seed gives others, the same the same."""
    panel = panel_of()
    other = augmented(panel, panel.lengths, augment, rng())
    inner = panel.mask & (panel.row_series == 0)
    assert np.mean(other.values[inner] != panel.values[inner]) > 0.8
    np.testing.assert_array_equal(other.values, augmented(panel, panel.lengths, augment, rng()).values)
    assert not np.array_equal(other.values, augmented(panel, panel.lengths, augment, rng(1)).values)


@each_kind
def test_what_is_held_out_or_missing_is_not_read(augment):
    """Other values behind the limits and under the mask leave the augmented rows as they are, to the bit."""
    panel = panel_of()
    limits = np.array([30, 1, 20, 1])
    read = training_rows(panel, limits) & panel.mask
    noise = rng(5).normal(0, 1e6, len(panel.values)).astype(np.float32)
    unlike = replace(panel, values=np.where(read, panel.values, noise))
    one, two = (augmented(each, limits, augment, rng()) for each in (panel, unlike))
    np.testing.assert_array_equal(one.values[read], two.values[read])
    np.testing.assert_array_equal(two.values[~read], unlike.values[~read])


@each_kind
def test_nothing_is_made_negative(augment):
    """Series without negative values have none afterwards, and those without zeros have no zero."""
    strong = replace(augment, jitter=20 * augment.jitter, scaling=5 * augment.scaling)
    for low, least in ((1.5, 1e-9), (0.0, 0.0)):
        panel = panel_of(low=low)
        panel = replace(panel, values=np.maximum(panel.values, 0) if low == 0 else panel.values)
        other = augmented(panel, panel.lengths, strong, rng())
        assert other.values[panel.mask].min() >= least


def test_nothing_asked_nothing_done():
    """By default the panel itself comes back."""
    panel = panel_of()
    assert augmented(panel, panel.lengths, Augment(), rng()) is panel
    assert augmented(panel, panel.lengths, Augment(stride=5), rng()) is panel


def test_jitter_is_in_units_of_each_series_own_change():
    """The noise has the asked share of the mean absolute change as its standard deviation, whatever the units."""
    walk = np.cumsum(rng(1).normal(0, 1, 20_000))
    panel = Panel.from_arrays([walk, 1000 * walk])
    noise = (augmented(panel, panel.lengths, Augment(jitter=0.5), rng()).values - panel.values).reshape(2, -1)
    change = np.abs(np.diff(walk)).mean()
    np.testing.assert_allclose(noise.std(1), [0.5 * change, 500 * change], rtol=0.05)


def test_scaling_is_one_factor_per_series():
    """All values of a series are multiplied by the same number, whose logarithm has the asked deviation."""
    panel = Panel.from_arrays([np.arange(1.0, 5.0)] * 4000)
    factors = (augmented(panel, panel.lengths, Augment(scaling=0.2), rng()).values / panel.values).reshape(-1, 4)
    np.testing.assert_allclose(factors, np.repeat(factors[:, :1], 4, 1), rtol=1e-5)
    assert np.log(factors[:, 0]).std() == pytest.approx(0.2, rel=0.05)


def test_magnitude_warps_smoothly():
    """The factor changes little from row to row, and much over many knots."""
    panel = Panel.from_arrays([np.ones(2000)])
    logs = np.log(augmented(panel, panel.lengths, Augment(magnitude_warp=0.3, knot=50), rng()).values)
    assert np.abs(np.diff(logs)).max() < 1.5 * 2 * 0.3 * 3.5 / 50
    assert logs[::50].std() == pytest.approx(0.3, rel=0.3)


@given(warp=st.floats(0.1, 1e4), knot=st.integers(2, 60), length=st.integers(2, 200), seed=st.integers(0, 99))
def test_time_never_turns_back(warp, knot, length, seed):
    """A rising series stays rising however far it is warped, and keeps its first and last value."""
    panel = Panel.from_arrays([np.arange(float(length))])
    other = augmented(panel, panel.lengths, Augment(time_warp=warp, knot=knot), rng(seed)).values
    assert np.all(np.diff(other) > 0)
    assert (other[0], other[-1]) == (0, length - 1)


def test_time_moves_by_the_rows_that_were_asked_for():
    """Of a ramp one sees how far each value has come: the asked deviation at the knots."""
    panel = Panel.from_arrays([np.arange(100_001.0)])
    moved = augmented(panel, panel.lengths, Augment(time_warp=3.0, knot=50), rng()).values - np.arange(100_001)
    assert moved[::50].std() == pytest.approx(3, rel=0.05)


def test_time_is_not_warped_under_covariates():
    """What goes along with time would no longer belong to its values; static columns are no matter."""
    panel = panel_of((30,))
    timed = replace(panel, covariates={"price": Covariate("future", np.ones(30, np.float32))})
    static = replace(panel, covariates={"size": Covariate("static", np.ones(1, np.float32))})
    with pytest.raises(DataError, match=r"no covariates that go along with time, but got 'price'\. Use time_warp=0"):
        augmented(timed, timed.lengths, Augment(time_warp=1.0), rng())
    augmented(timed, timed.lengths, Augment(jitter=1.0), rng())
    augmented(static, static.lengths, Augment(time_warp=1.0), rng())


@given(
    origins=hnp.arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.integers(0, 500)),
    stride=st.integers(1, 40),
)
def test_origins_lie_on_strides(origins, stride):
    """Each is moved back by less than a stride, onto a whole number of them; a stride of 1 changes nothing."""
    kept = strided(origins, stride)
    assert np.all(kept % stride == 0)
    assert np.all((origins - kept >= 0) & (origins - kept < stride))
    np.testing.assert_array_equal(strided(origins, 1), origins)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"jitter": -0.1}, "jitter must be a number of 0 or more, but got -0.1. Give 0 to do without it"),
        ({"scaling": float("nan")}, "scaling must be a number of 0 or more"),
        ({"time_warp": "much"}, "time_warp must be a number of 0 or more, but got 'much'"),
        ({"magnitude_warp": float("inf")}, "magnitude_warp must be a number of 0 or more"),
        ({"knot": 1}, "knot must be a whole number of at least 2, but got 1"),
        ({"stride": 0}, "stride must be a whole number of at least 1, but got 0"),
    ],
)
def test_impossible_amounts_are_refused(wrong, message):
    """The message names the field and what it got."""
    with pytest.raises(UsageError, match=message):
        Augment(**wrong)


def test_limits_belong_to_the_series():
    """One for each."""
    panel = panel_of()
    with pytest.raises(UsageError, match="limits must have an entry for each of 4 series, but got 1"):
        augmented(panel, np.array([3]), Augment(jitter=1.0), rng())
