"""Laws of `foregate.data.synthetic`."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import UsageError
from foregate.data.synthetic import DEFAULT, HOURLY, KINDS, Kind, Prior, generate_batch
from foregate.data.synthetic.calendars import CALENDARS, easter, month_table
from foregate.data.synthetic.counts import COUNTS
from foregate.data.synthetic.days import DARK, day_profile, solar
from foregate.data.synthetic.draws import autoregress, pick, recur
from foregate.data.synthetic.events import EVENTS, GAPS
from foregate.data.synthetic.kernels import kernel
from foregate.data.synthetic.noises import NOISES
from foregate.data.synthetic.seasons import EVOLUTIONS, SHAPES, season
from foregate.data.synthetic.trends import TRENDS
from foregate.data.synthetic.values import LINKS, ROUNDINGS, within_range

QUIET = replace(
    DEFAULT,
    makes={"structural": 1},
    trends={"none": 1},
    walking=0,
    hidden_season=0,
    calendar=0,
    seasonal_noise=0,
    noise_size=(1e-6, 1e-6),
    links={"log": 1},
    events={},
    gaps={},
    roundings={"none": 1},
)
"""Nothing but a declared season."""


def rng(seed: int = 0) -> np.random.Generator:
    """A generator of its own for each use."""
    return np.random.default_rng(seed)


def acf(x: np.ndarray, lag: int) -> np.ndarray:
    """Autocorrelation of rows."""
    x = x - x.mean(1, keepdims=True)
    return (x[:, lag:] * x[:, :-lag]).mean(1) / (x * x).mean(1)


@given(st.integers(0, 1000), st.sampled_from(KINDS), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_the_same_seed_gives_the_same_bits(seed, kind, n):
    """Values, masks and names follow from the seed alone."""
    first, second = (generate_batch(rng(seed), n, kind.shortest, kind.seasons, kind.prior) for _ in range(2))
    assert first.values.tobytes() == second.values.tobytes()
    assert first.mask.tobytes() == second.mask.tobytes()
    assert first.names == second.names
    other = generate_batch(rng(seed + 1), n, kind.shortest, kind.seasons, kind.prior)
    assert other.values.tobytes() != first.values.tobytes()


@given(
    st.integers(0, 1000),
    st.sampled_from([2, 3, 8, 40, 300]),
    st.sampled_from([(1, 1), (4, 1), (7, 365), (24, 168), (24, 1), (52, 1), (30, 7)]),
)
@settings(max_examples=50, deadline=None)
def test_any_length_and_season_gives_finite_values_and_something_observed(seed, length, seasons):
    """Shapes are as asked for, values finite under the mask too, in float32's reach, and no series is all missing."""
    batch = generate_batch(rng(seed), 12, length, seasons)
    assert batch.values.shape == batch.mask.shape == (12, length)
    assert batch.values.dtype == np.float64
    assert batch.mask.dtype == np.bool_
    assert np.isfinite(batch.values).all()
    assert np.abs(batch.values).max() < 1e12
    assert batch.mask.any(1).all()
    assert len(batch.names) == 12
    assert all(batch.names)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_can_be_drawn_at_both_ends_of_its_lengths(kind):
    """From the shortest to the longest, nothing fails or warns."""
    for length in (kind.shortest, kind.longest):
        assert np.isfinite(generate_batch(rng(1), 24, length, kind.seasons, kind.prior).values).all()
    lengths = [kind.length(rng(i)) for i in range(200)]
    assert kind.shortest <= min(lengths) <= max(lengths) <= kind.longest


def test_every_family_of_the_prior_is_drawn():
    """In enough series each name with a weight turns up, so that no part of the prior is dead."""
    seen = {
        name
        for i, kind in enumerate(KINDS)
        for names in generate_batch(rng(i), 400, 60, kind.seasons, kind.prior).names
        for name in names
    }
    words = {word for name in seen for word in name.split()}
    weights = [getattr(DEFAULT, item.name) for item in fields(Prior)]
    for families in (w for w in weights if isinstance(w, dict)):
        assert set(families) <= words
    assert {"walking", "hidden", "calendar", "seasonal noise"} <= seen


def test_the_default_prior_names_every_family():
    """What can be drawn is drawn by default."""
    known = {
        "trends": TRENDS, "shapes": SHAPES, "evolutions": EVOLUTIONS, "noises": NOISES, "links": LINKS,
        "counts": COUNTS, "events": EVENTS, "gaps": GAPS, "roundings": ROUNDINGS,
    }  # fmt: skip
    for name, families in known.items():
        assert set(getattr(DEFAULT, name)) == set(families), name


@pytest.mark.parametrize("name", TRENDS)
def test_trends_have_the_length_and_size_that_is_promised(name):
    """Finite, and of size about 1 in all."""
    path = TRENDS[name](rng(), 50, 80)
    assert path.shape == (50, 80)
    assert np.isfinite(path).all()
    assert np.abs(path).max() < (8 if name in ("walk", "market") else 1 + 1e-9)


@pytest.mark.parametrize("name", ["linear", "damped", "exponential", "logarithmic", "logistic"])
def test_trends_of_one_direction_never_turn(name):
    """They rise at every step."""
    assert (np.diff(TRENDS[name](rng(), 50, 80), axis=1) >= -1e-12).all()


def test_trends_bend_as_their_names_say():
    """Damped and logarithmic slopes fall, exponential ones grow, linear ones stay."""
    bend = {name: np.diff(TRENDS[name](rng(), 20, 50), n=2, axis=1) for name in TRENDS}
    assert (bend["damped"] < 0).all()
    assert (bend["logarithmic"] < 0).all()
    assert (bend["exponential"] > 0).all()
    assert np.abs(bend["linear"]).max() < 1e-12
    assert ((np.abs(bend["piecewise"]) > 1e-9).sum(1) <= 6).all()


@pytest.mark.parametrize("name", NOISES)
def test_noises_have_mean_0_and_variance_near_1(name):
    """Over many series; heavy tails and changing variance make the estimate rough."""
    e = NOISES[name](rng(), 400, 300)
    assert abs(e.mean()) < 0.1
    assert 0.6 < np.median((e * e).mean(1)) < 1.4 or name in ("clustered", "volatile", "persistent", "heavy", "arma")
    assert 0.2 < (e * e).mean() < 3


def test_noises_do_what_their_names_say():
    """Memory, tails and clusters show where they should and nowhere else."""
    drawn = {name: NOISES[name](rng(), 300, 400) for name in NOISES}
    assert abs(acf(drawn["white"], 1).mean()) < 0.01
    assert acf(drawn["persistent"], 1).mean() > 0.85
    assert acf(drawn["long_memory"], 20).mean() > 0.05 > abs(acf(drawn["white"], 20).mean())
    assert (drawn["heavy"] ** 4).mean() > 6
    for name in ("clustered", "volatile"):
        assert abs(acf(drawn[name], 1).mean()) < 0.03
        assert acf(drawn[name] ** 2, 1).mean() > 0.05 > acf(drawn["white"] ** 2, 1).mean()


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_standardised(name):
    """Mean 0 and standard deviation 1, whatever the number of bins; a shape of few bins may be flat."""
    for bins in (2, 4, 12, 24, 168):
        table = SHAPES[name](rng(), 60, bins)
        deviation = table.std(1)
        assert np.abs(table.mean(1)).max() < 1e-9
        assert (np.isclose(deviation, 1, atol=1e-6) | (deviation < 1e-6)).all()


@given(st.integers(2, 60), st.integers(0, 500))
@settings(max_examples=30, deadline=None)
def test_a_fixed_season_repeats_exactly(period, seed):
    """After one whole period every value comes back."""
    path, _ = season(rng(seed), np.full(5, float(period)), 4 * period, {"rough": 1}, {"fixed": 1})
    np.testing.assert_array_equal(path[:, period:], path[:, :-period])


def test_a_season_of_a_period_that_is_not_whole_comes_back_after_whole_multiples():
    """A period of 7.25 repeats after 29 steps, and not after 7."""
    path, _ = season(rng(), np.full(20, 7.25), 290, {"smooth": 1}, {"fixed": 1})
    assert acf(path, 29).min() > 0.88
    assert np.median(acf(path, 7)) < np.median(acf(path, 29)) - 0.02


@pytest.mark.parametrize("name", EVOLUTIONS)
def test_evolving_seasons_keep_their_period(name):
    """The autocorrelation at the period is the highest of all lags from half a period up, in most series."""
    path, _ = season(rng(), np.full(40, 12.0), 240, {"rough": 1}, {name: 1})
    lags = np.arange(6, 18)
    best = lags[np.argmax([acf(path, lag) for lag in lags], axis=0)]
    assert (best == 12).mean() > 0.8


@pytest.mark.parametrize("seasons", [(4, 1), (12, 1), (7, 1), (24, 168)])
def test_a_prior_of_season_alone_draws_the_declared_period(seasons):
    """With no trend and next to no noise, the series is periodic in the longest declared season."""
    quiet = replace(QUIET, season=1, evolutions={"fixed": 1}, season_size=(0.3, 0.3))
    m = max(seasons)
    y = np.log(generate_batch(rng(), 30, 6 * m, seasons, quiet).values)
    assert np.abs(y[:, m:] - y[:, :-m]).max() < 1e-4
    assert (y.std(1) > 0.1).all()


def test_counts_are_whole_and_never_negative():
    """Every family, and every series of a prior of counts."""
    for draw in COUNTS.values():
        drawn = draw(rng(), np.full((20, 300), 2.0))
        assert (drawn >= 0).all()
        assert (drawn == np.round(drawn)).all()
    drawn = generate_batch(rng(), 60, 200, (7, 1), replace(DEFAULT, makes={"counts": 1})).values
    assert (drawn >= 0).all()
    assert (drawn == np.round(drawn)).all()


@pytest.mark.parametrize("name", COUNTS)
def test_counts_have_the_mean_of_their_rate(name):
    """Within a fifth over many draws, and the more unequal ones vary more than Poisson."""
    drawn = COUNTS[name](rng(), np.full((400, 500), 3.0))
    assert 2.4 < drawn.mean() < 3.6
    assert drawn.var() > (2.8 if name == "poisson" else 3.2)


def test_intermittent_demand_is_mostly_zero_at_low_rates():
    """With one sale in ten steps, most steps have none."""
    assert (COUNTS["intermittent"](rng(), np.full((50, 200), 0.1)) == 0).mean() > 0.9


def test_bounded_values_stay_between_0_and_1():
    """Before they get a unit."""
    parts = [rng(i).standard_normal((50, 100)) * 5 for i in range(3)]
    share = LINKS["bounded"](rng(), *parts)
    assert share.min() >= 0
    assert share.max() <= 1


def test_links_do_what_their_names_say():
    """Log is positive, linear has both signs, clipped has many values at its lowest."""
    parts = [rng(i).standard_normal((200, 100)) for i in range(3)]
    assert LINKS["log"](rng(), *parts).min() > 0
    linear = LINKS["linear"](rng(), *parts)
    assert ((linear.min(1) < 0) & (linear.max(1) > 0)).any()
    clipped = LINKS["clipped"](rng(), *parts)
    assert (clipped == clipped.min(1, keepdims=True)).mean(1).mean() > 0.1
    level = np.ones((1, 9))
    np.testing.assert_allclose(LINKS["additive"](rng(), 0 * level, 0.2 * level, 0.3 * level), 1.5)


def test_ranges_are_shrunk_as_a_whole():
    """A series that is too wide keeps its shape; others stay as they are."""
    x = np.array([[0.0, 1, 2], [0, 50, 100]])
    np.testing.assert_allclose(within_range(x, 10), [[0, 1, 2], [0, 5, 10]])


def test_roundings_leave_few_values():
    """Coarse leaves a hundred steps at most; digits change a value by half of the last of three at most."""
    y = np.exp(rng().standard_normal((30, 500))) * 1000
    assert all(len(np.unique(row)) <= 102 for row in ROUNDINGS["coarse"](rng(), y))
    rounded = ROUNDINGS["digits"](rng(), y)
    assert (np.abs(rounded - y).max(1) <= y.max(1) * 0.5e-2).all()
    np.testing.assert_array_equal(ROUNDINGS["digits"](rng(), np.zeros((2, 3))), 0)


@pytest.mark.parametrize("name", GAPS)
def test_missing_parts_are_masked_and_free_of_nan(name):
    """With a gap of this kind in every series, something is missing in most, and what lies there is a number."""
    batch = generate_batch(rng(), 40, 120, (12, 1), replace(DEFAULT, gaps={name: 1.0}))
    assert (~batch.mask.all(1)).mean() > 0.6
    assert np.isfinite(batch.values[~batch.mask]).all()


def test_gaps_do_what_their_names_say():
    """Stretches are few runs, a late start is one run at the beginning that leaves 8 steps."""
    edges = np.diff(np.pad(~GAPS["stretches"](rng(), 50, 200), ((0, 0), (1, 1))).astype(int), axis=1)
    assert ((edges == 1).sum(1) <= 3).all()
    late = GAPS["late_start"](rng(), 50, 40)
    assert (np.diff(late.astype(int), axis=1) >= 0).all()
    assert late.sum(1).min() >= 8
    assert 0.005 < (~GAPS["points"](rng(), 200, 200)).mean() < 0.3


def test_events_do_what_their_names_say():
    """Shifts are steps, ramps end flat, pulses fade, regimes have few levels, closures are zeros and ones."""
    drawn = {name: EVENTS[name](rng(), 60, 150) for name in EVENTS}
    assert all(len(np.unique(row)) <= 4 for row in drawn["shift"].round(9))
    assert all(len(np.unique(row)) <= 4 for row in drawn["regimes"].round(9))
    assert ((np.abs(np.diff(drawn["ramp"], n=2, axis=1)) > 1e-9).sum(1) <= 3).all()
    assert ((np.diff(np.abs(drawn["pulse"]), axis=1) > 1e-12).sum(1) <= 1).all()
    assert (drawn["outliers"] == 0).mean() > 0.9
    assert set(np.unique(drawn["closed"])) == {0, 1}


def test_closed_steps_are_zero_and_negative_series_do_not_close():
    """Only where values cannot be negative."""
    batch = generate_batch(rng(), 60, 200, (7, 1), replace(DEFAULT, makes={"structural": 1}, events={"closed": 1.0}))
    positive = (batch.values >= 0).all(1)
    assert (batch.values[positive] == 0).any(1).mean() > 0.6
    assert not ((batch.values[~positive] == 0).mean(1) > 0.01).any()


def test_the_sun_does_not_shine_at_night():
    """At least seven hours of every day are exactly 0, and noon is not."""
    batch = generate_batch(
        rng(), 20, 240, (24, 168), replace(HOURLY, makes={"solar": 1}, roundings={"none": 1}, events={})
    )
    days = batch.values.reshape(20, 10, 24)
    assert ((days == 0).sum(2) >= 6).all()
    assert (days.max(2) > 0).mean() > 0.98
    assert solar(rng(), 3, 48, 24).min() == DARK


def test_days_repeat_and_weekends_differ():
    """Hours a day apart are alike, and hours a week apart at least as much."""
    course = day_profile(rng(), 24 * 28, (24, 168), np.full((60, 1), 0.5), np.ones((60, 1)))
    assert np.median(acf(course, 24)) > 0.7
    assert np.median(acf(course, 168)) > np.median(acf(course, 24)) - 0.05
    assert np.median(acf(course, 12)) < 0.3


def test_kernels_are_standardised_and_some_are_smooth():
    """Mean 0, variance 1, and neighbouring values alike in most of them."""
    path = kernel(rng(), 60, 200, (12, 1))
    np.testing.assert_allclose(path.std(1), 1, atol=1e-6)
    assert np.median(acf(path, 1)) > 0.5


def test_easter_and_months_are_those_of_the_calendar():
    """Known Sundays; a month's weekdays add up to its days."""
    assert [easter(y) for y in (1970, 1981, 2000, 2019, 2038)] == [(3, 29), (4, 19), (4, 23), (4, 21), (4, 25)]
    counts, shopping = month_table()
    assert counts[:3].sum(1).tolist() == [31, 28, 31]
    assert counts[0].tolist() == [5, 5, 5, 4, 4, 4, 4]  # January 1970 began on a Thursday, and so does the table
    assert np.isclose(shopping.sum(), 100)


@pytest.mark.parametrize("name", CALENDARS)
def test_calendar_effects_are_small_and_not_constant(name):
    """Within what a closed day does, in most series something."""
    effect = CALENDARS[name](rng(), 50, 400)
    assert effect.shape == (50, 400)
    assert np.abs(effect).max() < 30
    assert (effect.std(1) > 0).mean() > 0.9


@given(st.integers(0, 1000), st.integers(1, 70))
@settings(max_examples=30, deadline=None)
def test_recursions_agree_with_their_loops(seed, length):
    """Doubling gives what a loop over time gives, for constant, complex and changing factors."""
    g = rng(seed)
    shocks, poles, factors = g.standard_normal((3, length)), g.uniform(-1, 1, (3, 1)), g.uniform(-1, 1, (3, length))
    turning = poles * np.exp(1j * g.uniform(0, 3, (3, 1)))
    for fast, factor in (
        (autoregress(shocks, poles), np.broadcast_to(poles, shocks.shape)),
        (autoregress(shocks.astype(complex), turning), np.broadcast_to(turning, shocks.shape)),
        (recur(factors, shocks), factors),
    ):
        slow = np.zeros_like(fast)
        slow[:, 0] = shocks[:, 0]
        for t in range(1, length):
            slow[:, t] = factor[:, t] * slow[:, t - 1] + shocks[:, t]
        np.testing.assert_allclose(fast, slow, atol=1e-9)


def test_names_are_drawn_in_proportion():
    """Twice the weight, twice as often; no weight, never; and every series gets one."""
    found = dict(pick(rng(), {"a": 2, "b": 0, "c": 1}, 9000))
    assert set(found) == {"a", "c"}
    assert abs(len(found["a"]) - 6000) < 200
    assert sorted(np.concatenate(list(found.values())).tolist()) == list(range(9000))
    kinds = (Kind("a", (1, 1), 8, 9, 1), Kind("b", (1, 1), 8, 9, 0))
    assert {Kind.draw(rng(i), kinds).name for i in range(50)} == {"a"}


def test_constants_are_constant():
    """Nothing moves."""
    values = generate_batch(rng(), 20, 50, (12, 1), replace(DEFAULT, makes={"constant": 1})).values
    assert (values == values[:, :1]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trends": {"liner": 1}}, "trends must be among none, linear.*but got liner"),
        ({"noises": {"white": -1}}, "noises must be from 0"),
        ({"links": {"log": 0}}, "links must have a weight above 0"),
        ({"gaps": {"points": 2}}, "gaps must be from 0 to 1"),
        ({"season": 1.5}, "season must be between 0 and 1, but got 1.5"),
        ({"noise_size": (0.1, 0.01)}, "noise_size must be 0 < low <= high"),
        ({"scale": (0, 1)}, "scale must be 0 < low <= high"),
    ],
)
def test_contradictions_in_a_prior_are_refused(change, message):
    """A prior that makes no sense is never made."""
    with pytest.raises(UsageError, match=message):
        Prior(**change)


def test_impossible_batches_are_refused():
    """With a sentence that says what to do."""
    with pytest.raises(UsageError, match="n_series must be 1 or more and length 2 or more, but got 0 and 5"):
        generate_batch(rng(), 0, 5)
    with pytest.raises(UsageError, match="seasons must be 1 or more"):
        generate_batch(rng(), 1, 5, (0, 1))
    with pytest.raises(UsageError, match="makes must leave something to draw"):
        generate_batch(rng(), 1, 5, (12, 1), replace(DEFAULT, makes={"solar": 1}))
    with pytest.raises(UsageError, match="shortest must be 2 or more"):
        Kind("none", (1, 1), 5, 4)


def test_every_field_of_the_prior_matters():
    """Each field, changed, changes what is drawn from the same seed."""
    reference = generate_batch(rng(3), 200, 60, (24, 168), DEFAULT)
    for item in fields(Prior):
        old = getattr(DEFAULT, item.name)
        if isinstance(old, tuple):
            new = (old[0] * 3, old[1] * 3)
        elif isinstance(old, float):
            new = 1 - old if old != 0.5 else 0.9
        else:
            new = dict.fromkeys(old, 0.5)
        if item.name == "calendar":
            continue  # hours have no calendar effect of their own: holidays are part of their days
        changed = generate_batch(rng(3), 200, 60, (24, 168), replace(DEFAULT, **{item.name: new}))
        same = changed.values.tobytes() == reference.values.tobytes() and (changed.mask == reference.mask).all()
        assert not same, item.name
