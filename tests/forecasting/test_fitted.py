"""Laws of the fitted model: entrances, alignment, and what it does where it knows little."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Covariate, DataError, Frequency, Manner, Panel
from foregate.data.columns import fit_columns
from foregate.data.inputs import InputSpec
from foregate.evaluation import ERRORS, Plan, backtest, scoreboard
from foregate.forecasting import fitted as module
from foregate.forecasting import origins as cutting
from foregate.forecasting.fitted import LEAST_OBSERVATIONS, Fitted
from foregate.forecasting.intervals import Calibration
from foregate.models.network import NetworkSpec, make_network
from foregate.training.engine import TorchEngine

LEVELS = (0.1, 0.5, 0.9)
HORIZON = 5


class Oracle:
    """An engine that says what a function of the step features and the candidate paths says, at every quantile.

    Its state is how many steps it has read, so that a state taken from the wrong place shows.
    """

    def __init__(self, say):
        self.say, self.manner, self.carries, self.width = say, Manner(LEVELS), 1, 1

    def weights(self):
        return {}

    def encode(self, features, columns, carried=None):
        read = np.zeros((len(features), 1), np.float32) if carried is None else carried
        states = read[:, None] + (columns[..., None] + 1).astype(np.float32)
        return states, read + features.shape[1]

    def decode(self, states, features, ahead):
        said = self.say(states, features, ahead.steps, ahead.paths)
        return np.repeat(said[..., None], len(LEVELS), -1).astype(np.float32)


def goes_on(states, features, steps, paths):
    """Exact on a ramp: k steps in the direction of the last one, each as large as it was."""
    return np.expm1(3 * steps[..., -4]) * -np.sign(features[:, None, 0])


def repeats(states, features, steps, paths):
    """Exact on what repeats: the value of the same phase, one season back."""
    return paths[..., 0]


def counts(states, features, steps, paths):
    """How many steps were read up to the origin."""
    return np.broadcast_to(states, steps.shape[:2])


def model(say, seasons=(1, 1), **changes):
    given = {"engine": Oracle(say), "typical_scale": 0.1, "calibration": Calibration(np.ones((1, 3)))} | changes
    return Fitted(spec=InputSpec(seasons), horizon=HORIZON, **given)


def networked(*, seasons=(3, 1), columns=(), seed=0):
    """A model with a network of random weights."""
    import torch

    spec = InputSpec(seasons, columns=columns)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = make_network(NetworkSpec(spec.n_features, spec.n_steps, spec.n_profiles, LEVELS, hidden=8, decoder=6))
    return Fitted(TorchEngine(network), spec, Calibration(np.full((2, 3), 1.3)), HORIZON, 0.1)


def lively(lengths=(40, 12, 27, 33), *, seed=0):
    rng = np.random.default_rng(seed)
    made = [10 ** (3 - i) * (5 + np.sin(np.arange(n)) + rng.normal(0, 0.2, n)) for i, n in enumerate(lengths)]
    made[0][[4, 9, 10, 38]] = np.nan
    made[2][:6] = np.nan
    made[3] -= made[3].mean()
    return Panel.from_arrays(made, ids=["a", "b", "c", "d"])


def ramps(lengths=(40, 12, 27)):
    """One climbs through zero, one falls, one climbs slowly far from zero."""
    slopes, starts = (1.0, -2.5, 0.5), (-20.0, 7.0, -500.0)
    return Panel.from_arrays([a + b * np.arange(n) for a, b, n in zip(starts, slopes, lengths, strict=True)])


def close(one, other, rtol=1e-5):
    size = np.nanmax(np.abs(other), axis=tuple(range(1, other.ndim)), keepdims=True)
    np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
    assert np.nanmax(np.abs(one - other) / size) <= rtol


@pytest.mark.parametrize("horizon", [1, HORIZON, 20])
def test_a_ramp_goes_on(horizon):
    """With an engine that is exact on ramps, every step of every series is the next value of its ramp."""
    panel = ramps()
    said = model(goes_on).forecast(panel, horizon, LEVELS)
    ends = np.array([panel.series(i)[-1] for i in range(3)])
    expected = ends[:, None] + np.array([1.0, -2.5, 0.5])[:, None] * np.arange(1, horizon + 1)
    for q in range(3):
        np.testing.assert_allclose(said.values[..., q], expected, rtol=1e-4, atol=1e-3)


def test_steady_growth_goes_on():
    """The same in logarithms: a series that grows by 5 % a step goes on to."""
    panel = Panel.from_arrays([1e-3 * 1.05 ** np.arange(50), 1e6 * 0.9 ** np.arange(30)])
    said = model(goes_on).forecast(panel, 6, (0.5,)).median
    k = np.arange(1, 7)
    np.testing.assert_allclose(said, [1e-3 * 1.05 ** (49 + k), 1e6 * 0.9 ** (29 + k)], rtol=1e-3)


def test_every_origin_is_its_own():
    """From every origin inside a ramp the forecast is the ramp after that origin; -1 is no origin."""
    panel = ramps()
    origins = np.array([[39, 5, 20, -1], [-1, 11, 10, 3], [4, -1, 26, 12]])
    said = model(goes_on).forecast_origins(panel, origins, HORIZON, LEVELS)
    slopes = np.array([1.0, -2.5, 0.5])[:, None, None]
    first = np.array([panel.series(i)[0] for i in range(3)])[:, None, None]
    expected = first + slopes * (origins[..., None] + np.arange(1, HORIZON + 1))
    there = origins >= 0
    np.testing.assert_allclose(said[there], np.repeat(expected[there][..., None], 3, -1), rtol=1e-4, atol=1e-3)
    assert np.all(np.isnan(said[~there]))


@pytest.mark.parametrize("seasons", [(4, 1), (3, 7), (7, 28)])
def test_what_repeats_is_repeated(seasons):
    """Where the value is the phase, every step of the seasonal path carries its own phase, from every origin."""
    m = seasons[0]
    panel = Panel.from_arrays([(np.arange(60) % m) - 1.0, (np.arange(35) + 2) % m - 1.0])
    origins = np.array([[59, 30, 29, m], [34, 20, 19, m]])
    said = model(repeats, seasons).forecast_origins(panel, origins, 17, (0.5,))[..., 0]
    shift = np.array([0, 2])[:, None, None]
    expected = (origins[..., None] + shift + np.arange(1, 18)) % m - 1.0
    np.testing.assert_allclose(said, expected, atol=1e-4)


def test_an_exact_model_scores_zero():
    """A backtest of the exact model on ramps has no error at all, in one pass over many origins."""
    panel = Panel.from_arrays([-20.0 + np.arange(60), -9 - 2.5 * np.arange(45)])
    results = backtest(lambda _: model(goes_on), panel, Plan(horizon=4, n_windows=5, step=3))
    assert np.nanmax(np.abs(results.forecasts["LSTM"][..., 0] - results.actual)) < 1e-3
    overall = scoreboard(results)["LSTM"].overall
    assert all(overall[name] < 1e-4 for name in ERRORS if name in overall)


@pytest.mark.parametrize("steps", [4_096, 7, 1])
@pytest.mark.parametrize("cells", [50_000, 30, 1])
def test_states_are_those_of_their_origins(monkeypatch, steps, cells):
    """However a panel is cut into batches and blocks, the state at an origin has read the rows up to it, no more."""
    monkeypatch.setattr(cutting, "ENCODER_STEPS", steps)
    monkeypatch.setattr(cutting, "ENCODER_CELLS", cells)
    monkeypatch.setattr(cutting, "DECODER_CELLS", cells)
    panel = ramps()
    origins = np.array([[39, 5, 20, -1], [-1, 11, 10, 3], [4, -1, 26, 12]])
    there = origins >= 0
    said = model(counts).forecast_origins(panel, origins, 2, (0.5,))[..., 0, 0]
    first = np.array([panel.series(i)[0] for i in range(3)])[:, None]
    slope = np.array([1.0, -2.5, 0.5])[:, None]
    expected = first + slope * origins + np.abs(slope) * (origins + 1)
    np.testing.assert_allclose(said[there], expected[there], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("sizes", [(4_096, 50_000, 50_000), (5, 40, 11), (1, 1, 1)])
def test_batches_and_blocks_do_not_matter(monkeypatch, sizes):
    """A network's forecasts do not depend on how the panel is cut into pieces."""
    panel, network = lively(), networked()
    expected = network.forecast(panel, HORIZON, LEVELS).values
    for name, size in zip(("ENCODER_STEPS", "ENCODER_CELLS", "DECODER_CELLS"), sizes, strict=True):
        monkeypatch.setattr(cutting, name, size)
    close(network.forecast(panel, HORIZON, LEVELS).values, expected)


def test_entrances_agree():
    """The forecast at the end, from the last origin, and of the panel cut at an origin are one."""
    panel, network = lively(), networked()
    at_end = network.forecast(panel, HORIZON, LEVELS).values
    for back in (0, 1, 4):
        origins = panel.lengths[:, None] - 1 - back
        inside = network.forecast_origins(panel, origins, HORIZON, LEVELS)[:, 0]
        cut = network.forecast(panel.cut(panel.lengths - back), HORIZON, LEVELS)
        close(inside, cut.values)
        np.testing.assert_array_equal(cut.cutoffs, panel.last_times - back)
        if back == 0:
            close(inside, at_end)


def test_the_order_of_series_does_not_matter():
    """Each series' forecast comes back in its own place, whichever others are there."""
    panel, network = lively(), networked()
    expected = network.forecast(panel, HORIZON, LEVELS)
    for which in ([2], [3, 0], [1, 3, 2, 0]):
        said = network.forecast(panel.take(which), HORIZON, LEVELS)
        assert said.ids.tolist() == panel.ids[which].tolist()
        close(said.values, expected.values[which])


def test_what_comes_later_changes_nothing():
    """Change all rows after the origins: forecasts from them stay to the bit."""
    panel, network = lively(), networked()
    origins = panel.lengths[:, None] - np.array([[9, 6]])
    before = network.forecast_origins(panel, origins, HORIZON, LEVELS)
    later = np.arange(len(panel.values)) > (panel.offsets[:-1] + origins.max(1))[panel.row_series]
    for junk, mask in ((0.0, True), (1e9, True), (0.0, False)):
        changed = replace(
            panel,
            values=np.where(later, junk, panel.values).astype(np.float32),
            mask=np.where(later, mask, panel.mask),
        )
        np.testing.assert_array_equal(before, network.forecast_origins(changed, origins, HORIZON, LEVELS))


def test_the_newest_value_counts():
    """Change the last value of a series: its forecast changes from the first step on, that of no other does."""
    panel, network = lively(), networked()
    last = panel.offsets[1:] - 1
    values = panel.values.copy()
    values[last[1]] *= 1.01
    one, other = (network.forecast(each, HORIZON, (0.5,)).values for each in (panel, replace(panel, values=values)))
    changed = (one != other).any(axis=(1, 2))
    assert changed.tolist() == [False, True, False, False]
    assert one[1, 0] != other[1, 0]


def test_times_follow_the_calendar():
    """Forecasts carry the steps after the last row, by the frequency of the panel."""
    panel = Panel.from_arrays([np.arange(1.0, 7)], freq="ME", start=np.datetime64("2024-01-31", "us"))
    said = networked().forecast(panel, 3, LEVELS)
    assert said.times.astype("datetime64[D]").astype(str).tolist() == [["2024-07-31", "2024-08-31", "2024-09-30"]]
    assert panel.freq == Frequency.parse("ME")


@pytest.mark.parametrize("n", range(1, LEAST_OBSERVATIONS + 1))
def test_short_series_are_forecast_by_the_last_value(n):
    """With too few observations, and then only, the last value is said, in its note as well."""
    panel = Panel.from_arrays([np.array([np.nan, 8.0, 9.0, 10.0][: n + 1]), np.arange(1.0, 20)], ids=["new", "old"])
    said = networked().forecast(panel, HORIZON, (0.1, 0.5, 0.9))
    last = panel.series(0)[-1]
    if n == LEAST_OBSERVATIONS:
        assert said.notes == ()
        return
    assert said.notes == ("forecast by the last value, for lack of 3 observations: 'new'.",)
    np.testing.assert_allclose(said.median[0], last, rtol=1e-5)
    width = 0.1 * 1.25 * 1.2816 * np.sqrt(np.arange(1, HORIZON + 1))
    np.testing.assert_allclose(said.values[0, :, 2] / said.values[0, :, 1] - 1, width, rtol=1e-3)
    np.testing.assert_allclose(said.values[0, :, 1] / said.values[0, :, 0] - 1, width, rtol=1e-3)


def test_far_ahead_of_few_observations_intervals_stay_in_proportion():
    """A thousand steps after one or two values that differ much, no bound is more than a hundredfold away."""
    panel = Panel.from_arrays([np.array([8.0]), np.array([5.0, 9.0])])
    wild = replace(networked(), typical_scale=0.6)
    values = wild.forecast(panel, 1000, (0.025, 0.5, 0.975)).values
    assert np.all(np.diff(values[:, :, 2]) > 0)
    assert np.all((values > 8 / 100) & (values < 9 * 100))


def test_short_series_in_plain_units():
    """Of a negative value the interval lies around it; of a single zero nothing but zero is said."""
    panel = Panel.from_arrays([np.array([-5.0]), np.array([0.0])])
    said = networked().forecast(panel, 2, (0.1, 0.5, 0.9)).values
    np.testing.assert_allclose(said[0, :, 1], -5)
    np.testing.assert_allclose(said[0, :, 0] + said[0, :, 2], -10)
    assert np.all(np.diff(said[0]) > 0)
    np.testing.assert_array_equal(said[1], 0)


def test_many_short_series_are_named_in_short():
    """A note names the first five and counts the others."""
    panel = Panel.from_arrays([np.array([1.0])] * 8)
    assert networked().forecast(panel, 1, LEVELS).notes[0].endswith("'s0', 's1', 's2', 's3', 's4' and 3 more.")


def test_a_series_of_nothing_is_refused():
    """A series without a single observation cannot be forecast: the message says how many, which, and what to do."""
    panel = Panel.from_arrays([np.array([np.nan, np.nan]), np.array([1.0, 2.0]), np.array([])], ids=["x", "y", "z"])
    with pytest.raises(DataError, match=r"must have an observed value, but got none in 2 of 3: 'x', 'z'\. Leave these"):
        networked().forecast(panel, 1, LEVELS)


def test_before_the_first_observation_nothing_is_said():
    """From an origin before anything was observed the forecast is 0 in every unit, as the baselines say."""
    panel = Panel.from_arrays([np.array([np.nan, np.nan, 5.0, 6.0, 7.0])])
    said = networked().forecast_origins(panel, np.array([[1, 4]]), 3, LEVELS)
    np.testing.assert_array_equal(said[0, 0], 0)
    assert np.all(said[0, 1] > 0)


def test_known_futures_are_those_of_the_longer_panel():
    """Given the future, the forecast at the end is that from inside the panel that holds it."""
    panel = lively()
    price = np.random.default_rng(3).normal(size=len(panel.values)).astype(np.float32)
    panel = replace(panel, covariates={"price": Covariate("future", price)})
    network = networked(columns=fit_columns(panel))
    history = panel.cut(panel.lengths - HORIZON)
    rows = (panel.offsets[1:] - HORIZON)[:, None] + np.arange(HORIZON)
    given = network.forecast(history, HORIZON, LEVELS, {"price": price[rows]}).values
    inside = network.forecast_origins(panel, history.lengths[:, None] - 1, HORIZON, LEVELS)[:, 0]
    close(given, inside)
    assert not np.allclose(given, network.forecast(history, HORIZON, LEVELS, {"price": -price[rows]}).values)


def test_quantiles_are_ordered_and_calibrated():
    """Quantiles ascend in any number, and a wider calibration gives wider intervals around the same median."""
    panel, network = lively(), networked()
    many = np.linspace(0.01, 0.99, 21)
    said = network.forecast(panel, HORIZON, many).values
    assert np.all(np.isfinite(said))
    assert np.all(np.diff(said) >= 0)
    wide = replace(network, calibration=Calibration(np.full((1, 3), 2.6))).forecast(panel, HORIZON, many).values
    np.testing.assert_allclose(wide[..., 10], said[..., 10], rtol=1e-6)
    assert np.all(wide[..., -1] > said[..., -1])


def test_nothing_negative_of_what_never_was():
    """Series that were never negative are not forecast to be, at any quantile."""
    demand = np.random.default_rng(0).poisson(0.5, 60).astype(float)
    said = networked().forecast(Panel.from_arrays([demand, demand - 1]), 9, (0.001, 0.5, 0.999)).values
    assert np.all(said[0] >= 0)
    assert np.any(said[1] < 0)


def test_counts_are_forecast_in_whole_numbers():
    """Where the inputs are those of counts, every quantile is whole: between levels, widened, and of short series."""
    panel = Panel.from_arrays([np.random.default_rng(0).poisson(7, 60).astype(float), np.array([5.0])])
    plain = replace(networked(), spec=InputSpec((3, 1), plain=True))
    said = plain.forecast(panel, 9, np.linspace(0.01, 0.99, 40)).values
    np.testing.assert_array_equal(said, np.rint(said))
    assert np.all(np.diff(said) >= 0)
    assert len(np.unique(said[0])) > 3


def test_a_panel_in_parts_is_a_panel_at_once(monkeypatch):
    """A large panel is prepared a part at a time, and forecast as if it were not."""
    rng = np.random.default_rng(0)
    panel = Panel.from_arrays([rng.normal(5, 1, n) for n in (9, 30, 2, 17, 1, 8)])
    whole = model(counts).forecast(panel, HORIZON, LEVELS)
    monkeypatch.setattr(module, "SERIES_AT_ONCE", 3)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 10)
    parts = model(counts).forecast(panel, HORIZON, LEVELS)
    np.testing.assert_array_equal(parts.values, whole.values)
    assert parts.notes == whole.notes
    at_ends = model(counts).forecast_origins(panel, panel.lengths[:, None] - 1, HORIZON, LEVELS)
    np.testing.assert_array_equal(at_ends[:, 0], whole.values)


def test_each_part_is_given_its_own_future(monkeypatch):
    """What is known ahead goes with the series it belongs to, in whichever part that is prepared."""
    panel = lively()
    rng = np.random.default_rng(3)
    price = Covariate("future", rng.normal(size=len(panel.values)).astype(np.float32))
    panel = replace(panel, covariates={"price": price})
    network = networked(columns=fit_columns(panel))
    future = {"price": rng.normal(size=(len(panel), HORIZON)).astype(np.float32)}
    whole = network.forecast(panel, HORIZON, LEVELS, future).values
    monkeypatch.setattr(module, "SERIES_AT_ONCE", 1)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 30)
    close(network.forecast(panel, HORIZON, LEVELS, future).values, whole)


def test_what_was_read_need_not_be_read_again():
    """With a reading of the panel the encoder is left alone, and the forecast is the same; other panels are read."""
    rng = np.random.default_rng(0)
    panel = Panel.from_arrays([rng.normal(5, 1, n) for n in (9, 30, 2)])
    plain = model(counts)
    knows = plain.having_read(panel)
    assert knows.having_read(panel) is knows
    assert replace(knows, engine=Oracle(counts)).having_read(panel).reading is not knows.reading
    expected = plain.forecast(panel, HORIZON, LEVELS).values
    np.testing.assert_array_equal(knows.forecast(panel, HORIZON, LEVELS).values, expected)
    other = replace(panel, values=panel.values * 2)
    np.testing.assert_array_equal(
        knows.forecast(other, HORIZON, LEVELS).values, plain.forecast(other, HORIZON, LEVELS).values
    )
    shifted = replace(knows, reading=replace(knows.reading, states=knows.reading.states + 1, said={}))
    assert not np.array_equal(shifted.forecast(panel, HORIZON, LEVELS).values, expected)


def test_what_was_said_need_not_be_said_again(monkeypatch):
    """The network is asked once for a horizon, whatever quantiles are wanted of it, unless that is too much to keep."""
    panel = Panel.from_arrays([np.arange(30.0), np.arange(9.0) ** 2])
    network, asked = networked(), []
    decode = network.engine.decode
    monkeypatch.setattr(network.engine, "decode", lambda *given: asked.append(1) or decode(*given))
    knows = network.having_read(panel)
    for horizon, quantiles, count in ((3, LEVELS, 1), (3, (0.2, 0.5), 1), (4, LEVELS, 2), (3, LEVELS, 2)):
        found = knows.forecast(panel, horizon, quantiles).values
        assert len(asked) == count
        np.testing.assert_array_equal(found, networked().forecast(panel, horizon, quantiles).values)
    one = knows.reading.said[3].size
    monkeypatch.setattr(module, "MOST_SAID", 4 * one)
    for horizon in range(1, 9):
        knows.forecast(panel, horizon, LEVELS)
        assert sum(said.size for said in knows.reading.said.values()) <= 4 * one
    asked.clear()
    monkeypatch.setattr(module, "MOST_SAID", 5)
    for _ in range(2):
        network.having_read(panel).forecast(panel, 3, LEVELS)
    assert len(asked) == 2


def test_no_more_is_kept_than_helps(monkeypatch):
    """Nothing of large panels, nor where the steps ahead are told more than the state."""
    panel = Panel.from_arrays([np.arange(9.0), np.arange(5.0)])
    price = Covariate("future", np.arange(14, dtype=np.float32))
    told = networked(columns=fit_columns(replace(panel, covariates={"price": price})))
    assert told.reads_future
    assert told.having_read(panel) is told
    monkeypatch.setattr(module, "SERIES_AT_ONCE", 1)
    assert networked().having_read(panel).reading is None


@pytest.mark.parametrize("wrong", [-1.0, 2.5])
def test_what_is_no_count_is_refused_by_a_model_of_counts(wrong):
    """At both doors, with the series and how many; other models take it."""
    values = np.arange(30.0)
    values[[3, 7]] = wrong
    panel = Panel.from_arrays([np.arange(20.0), values], ids=["good", "bad"])
    plain = replace(networked(), spec=InputSpec((3, 1), plain=True))
    message = r"whole numbers from 0 for 'negative-binomial', but got .* in 2 rows of 1 series: 'bad'\. Choose"
    origins = np.full((2, 1), 9)
    for ask in (lambda m: m.forecast(panel, 3, LEVELS), lambda m: m.forecast_origins(panel, origins, 3, LEVELS)):
        with pytest.raises(DataError, match=message):
            ask(plain)
        ask(networked())
