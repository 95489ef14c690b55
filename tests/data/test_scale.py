"""Laws of scaling."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import DataError, Panel, UsageError
from foregate.data.scale import FittedScaler, Scaler, choose_transform, running_scaler

KINDS = ("causal", "standard", "minmax", "robust")
ANY_NUMBER = ("identity", "arcsinh")
numbers = st.one_of(st.floats(-1e6, 1e6, width=32), st.just(np.nan), st.sampled_from([0.0, 5.0, -5.0]))
panels = st.lists(st.lists(numbers, min_size=1, max_size=20), min_size=1, max_size=4).map(
    lambda lists: Panel.from_arrays([np.array(x) for x in lists])
)
every = pytest.mark.parametrize("kind", KINDS)


def skewed(seed=0, sizes=(50, 30, 80)):
    """Log-normal series of very different sizes."""
    rng = np.random.default_rng(seed)
    return Panel.from_arrays([np.exp(rng.normal(3 * i, 0.8, n)) for i, n in enumerate(sizes)])


def spoiled(panel, until):
    """The panel with everything after the training part replaced and everything under the mask changed."""
    later = np.arange(len(panel.values)) - panel.offsets[panel.row_series] >= until[panel.row_series]
    values = np.where(later | ~panel.mask, np.float32(-12345), panel.values)
    return replace(panel, values=values, mask=panel.mask ^ (later & (np.arange(len(values)) % 2 == 0)))


def assert_same(a: FittedScaler, b: FittedScaler):
    for name in ("level", "spread", "codes", "unit"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@every
@pytest.mark.parametrize("transform", ANY_NUMBER)
@given(panel=panels)
def test_the_way_back_is_exact(kind, transform, panel):
    """inverse(transform(x)) is x within the resolution of float32 of the series' size, and every number is finite."""
    fitted = Scaler(kind, transform).fit(panel)
    values = np.where(panel.mask, panel.values.astype(np.float64), np.nan)
    scaled = fitted.transform(values, panel.row_series)
    back = fitted.inverse(scaled, panel.row_series)
    size = np.maximum(np.abs(np.nan_to_num(values)), np.abs(fitted.level)[panel.row_series])
    assert np.array_equal(np.isnan(back), ~panel.mask)
    assert np.all(np.abs(back - values)[panel.mask] <= 1e-9 * (size + fitted.unit[panel.row_series])[panel.mask])
    assert np.all(np.isfinite(scaled[panel.mask]))


@every
@pytest.mark.parametrize("transform", ["log", "log1p", "auto"])
def test_the_way_back_is_exact_for_positive_values(kind, transform):
    """The same for the transforms that need positive values."""
    panel = skewed()
    fitted = Scaler(kind, transform).fit(panel)
    back = fitted.inverse(fitted.transform(panel.values, panel.row_series), panel.row_series)
    np.testing.assert_allclose(back, panel.values, rtol=1e-9)


@every
@pytest.mark.parametrize("transform", [*ANY_NUMBER, "auto"])
@given(panel=panels, share=st.floats(0, 1))
def test_nothing_later_and_nothing_masked_is_read(kind, transform, panel, share):
    """Change everything after the training part and under the mask: not one bit of the scale changes."""
    until = np.floor(share * panel.lengths).astype(np.int64)
    scaler = Scaler(kind, transform)
    assert_same(scaler.fit(panel, until), scaler.fit(spoiled(panel, until), until))
    assert_same(scaler.fit(panel, until), scaler.fit(panel.cut(until)))


@every
@given(panel=panels)
def test_alone_as_together(kind, panel):
    """The scale of a series does not depend, to the bit, on the other series."""
    together = Scaler(kind, "auto").fit(panel)
    for i in range(len(panel)):
        alone = Scaler(kind, "auto").fit(panel.take([i]))
        assert (alone.level[0], alone.spread[0], alone.unit[0]) == (
            together.level[i],
            together.spread[i],
            together.unit[i],
        )


@every
@pytest.mark.parametrize("transform", ["identity", "log1p", "arcsinh", "auto"])
def test_units_do_not_matter(kind, transform):
    """Scaled values are the same whatever the unit of the data."""
    panel = skewed()
    larger = replace(panel, values=panel.values * np.float32(1024))
    a, b = (Scaler(kind, transform).fit(p).transform(p.values, p.row_series) for p in (panel, larger))
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@every
@pytest.mark.parametrize("value", [0.0, 0.1, -3e30, 1e-30])
def test_constant_series_do_not_divide_by_zero(kind, value):
    """A constant series is scaled to zero, and other values of it still to something finite."""
    panel = Panel.from_arrays([np.full(7, value), np.array([np.nan, np.nan])])
    fitted = Scaler(kind).fit(panel)
    np.testing.assert_allclose(fitted.transform(panel.values[:7], np.zeros(7, int)), 0, atol=1e-12)
    assert np.all(fitted.spread > 0)
    assert np.isfinite(fitted.transform(np.array([value * 2 + 1]), np.array([1]))).all()


def test_statistics_are_those_of_the_textbook():
    """Level and spread are numpy's mean and deviation, minimum and range, median and quartiles, of each series."""
    panel = skewed()
    for i in range(len(panel)):
        y = panel.series(i)
        expected = {
            "standard": (y.mean(), y.std()),
            "minmax": (y.min(), np.ptp(y)),
            "robust": (np.median(y), np.subtract(*np.quantile(y, [0.75, 0.25]))),
            "causal": (y[-1], np.abs(np.diff(y)).mean()),
        }
        for kind, (level, spread) in expected.items():
            fitted = Scaler(kind).fit(panel)
            np.testing.assert_allclose([fitted.level[i], fitted.spread[i]], [level, spread], rtol=1e-12)


def test_robust_has_a_spread_where_most_values_are_equal():
    """Where the quartiles coincide, as in intermittent demand, the mean absolute deviation is the spread."""
    fitted = Scaler("robust").fit(Panel.from_arrays([np.array([0, 0, 0, 0, 0, 0, 0, 8.0])]))
    assert (fitted.level[0], fitted.spread[0]) == (0, 1)


@given(panels)
def test_running_is_fitting_at_every_row(panel):
    """The running scale at a row equals, to the bit, the causal scale fitted on the rows up to it."""
    running = running_scaler(panel)
    position = np.arange(len(panel.values)) - panel.offsets[panel.row_series]
    for length in range(1, int(panel.lengths.max()) + 1):
        fitted = Scaler("causal").fit(panel, np.full(len(panel), length))
        rows = np.flatnonzero(position == length - 1)
        series = panel.row_series[rows]
        np.testing.assert_array_equal(running.level[rows], fitted.level[series])
        np.testing.assert_array_equal(running.spread[rows], fitted.spread[series])


def test_one_scale_for_many_values():
    """An index of fewer axes than the values scales all values of an entry alike, as for (S, K) forecasts."""
    panel = skewed()
    fitted = Scaler("standard", "log").fit(panel)
    values = np.exp(np.random.default_rng(1).normal(0, 1, (2, 5, 3)))
    scaled = fitted.transform(values, np.array([2, 0]))
    np.testing.assert_array_equal(scaled[1, 4], fitted.transform(values[1, 4], np.zeros(3, int)))
    np.testing.assert_allclose(fitted.inverse(scaled, np.array([2, 0])), values)


def test_apply_scales_a_panel_and_leaves_the_first_alone():
    """A scaled panel holds zeros where nothing was observed, and the panel it came from is as it was."""
    panel = Panel.from_arrays([np.array([1, 2, np.nan, 4.0]), np.array([10, 30.0])])
    before = panel.values.copy()
    scaled = Scaler("minmax").fit(panel).apply(panel)
    np.testing.assert_allclose(scaled.values, [0, 1 / 3, 0, 1, 0, 1], rtol=1e-6)
    np.testing.assert_array_equal(panel.values, before)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 4, 8, 16, 32], "log"),
        ([0, 0, 0, 0, 1, 9], "log1p"),
        ([1e-6, 2, 2, 3, 2, 40], "log1p"),
        ([-1, 0, 1, 0, -1, 50], "arcsinh"),
        ([-50, 0, 1, 0, -1, 1], "arcsinh"),
        ([1, 2, 3, 4, 5, 6], "identity"),
        ([40, 41, 39, 40, 41, 1], "identity"),
        ([3, 3, 3], "identity"),
        ([np.nan], "identity"),
    ],
)
def test_the_transform_is_chosen_by_rule(values, expected):
    """Sign and skewness of a series decide its transform, and its unit does not."""
    for factor in (1.0, 1000.0):
        assert choose_transform(Panel.from_arrays([factor * np.array(values, float)])) == [expected]


@pytest.mark.parametrize("transform", ["log", "log1p"])
def test_values_outside_the_logarithm_are_refused(transform):
    """What the logarithm cannot take is counted, in fitting and in use, and another transform named."""
    panel = Panel.from_arrays([np.array([1.0, 2, -9, -20])])
    with pytest.raises(DataError, match=r"got 2 that are not.*arcsinh"):
        Scaler("standard", transform).fit(panel)
    fitted = Scaler("standard", transform).fit(panel, np.array([2]))
    with pytest.raises(DataError, match="got 2 that are not"):
        fitted.apply(panel)


@pytest.mark.parametrize("wrong", [{"kind": "zscore"}, {"transform": "sqrt"}])
def test_unknown_names_are_refused(wrong):
    """An unknown name is an error that lists the known ones."""
    with pytest.raises(UsageError, match=f"{next(iter(wrong))} must be one of .*, but got"):
        Scaler(**wrong)
