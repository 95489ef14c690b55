"""Laws of streams that are watched: forecasts wait for their outcomes, and intervals follow these."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate import Forecaster
from foregate.core import ArtifactError, DataError, Panel, UsageError
from foregate.forecasting.adaptive import PACE
from foregate.streaming.live import Live
from foregate.streaming.scores import FADING
from tests.streaming.models import LEVELS, K, fitted, forged

MEASURES = ["mae", "bias", "pinball", "skill", "coverage-50", "width-50", "coverage-80", "width-80"]
SIDES = (0.1, 0.25, 0.5, 0.75, 0.9)


def noise(seed, rows=60, missing=0.2):
    """A series of no two equal values, some of them missing, which begins and ends with one."""
    rng = np.random.default_rng(seed)
    y = np.round(rng.normal(0, 2, rows).cumsum() * 0.3 + 4 * rng.normal(0, 1, rows), 3)
    y[rng.random(rows) < missing] = np.nan
    y[[0, -1]] = 1.5, 2.5
    return y


def watching(model=None, horizon=None, level=(50, 80)):
    live = Live(model or fitted())
    live.watch(horizon, level=level)
    return live


def rows(y, name="a", start=0):
    """All rows of a series as mappings."""
    return [{"unique_id": name, "ds": start + t, "y": None if np.isnan(v) else float(v)} for t, v in enumerate(y)]


def alike(one, other, **tolerance):
    """Two frames of scores are equal up to rounding."""
    assert one.drop(MEASURES).equals(other.drop(MEASURES))
    for name in MEASURES:
        np.testing.assert_allclose(one[name].to_numpy(), other[name].to_numpy(), err_msg=name, **tolerance)


class Slow:
    """The obvious way: every forecast is kept for good, and everything is counted when it is asked for."""

    def __init__(self, y, horizon):
        self.live, self.plain, self.y, self.kept = watching(horizon=horizon), Live(fitted()), y, {}
        for t, row in enumerate(rows(y)):
            self.live.update(row)
            self.plain.update(row)
            if row["y"] is not None:
                self.kept[t] = (
                    self.live.forecast(horizon, quantiles=SIDES).values[0],
                    self.plain.forecast(horizon, quantiles=SIDES).values[0],
                )

    def pairs(self, k):
        """What was said k steps ahead, and what came: where both are there."""
        return [
            (said[k - 1], self.y[t + k], self.y[t], plain[k - 1], t)
            for t, (said, plain) in self.kept.items()
            if t + k < len(self.y) and not np.isnan(self.y[t + k])
        ]

    def scores(self, k, fading):
        found = self.pairs(k)
        q, weights = np.array(SIDES), fading ** np.arange(len(found))[::-1]
        each = []
        for said, actual, last, *_ in found:
            under = actual - said
            pinball = np.where(under > 0, q * under, (q - 1) * under).mean()
            inside = [float(said[i] <= actual <= said[-1 - i]) for i in (1, 0)]
            width = [said[-1 - i] - said[i] for i in (1, 0)]
            error = said[2] - actual
            each.append([abs(error), error, pinball, abs(last - actual), *np.ravel([inside, width], "F")])
        mae, bias, pinball, naive, *others = np.average(each, 0, weights)
        return [mae, bias, pinball, 1 - mae / naive, *others]


@pytest.mark.parametrize("horizon", [1, 4, K])
@pytest.mark.parametrize("recent", [False, True])
def test_scores_are_those_of_a_memory_of_everything(horizon, recent):
    """Every mean and every count equals that of all forecasts, kept for good; missing actuals are not scored."""
    slow = Slow(noise(1), horizon)
    found = slow.live.scores(recent=recent)
    assert found["step"].to_list() == list(range(1, horizon + 1))
    for k in range(1, horizon + 1):
        row = found.row(k - 1, named=True)
        assert row["n"] == len(slow.pairs(k))
        expected = slow.scores(k, FADING if recent else 1.0)
        np.testing.assert_allclose([row[name] for name in MEASURES], expected, rtol=1e-4)


def test_widths_are_those_of_the_obvious_rule():
    """Each outcome moves the factor of its own step alone, when it arrives, and the forecasts after it have it."""
    slow, share = Slow(noise(2), 5), 0.2
    for k in range(1, 6):
        factor, arrived = 0.0, {t + k: (said, actual) for said, actual, _, _, t in slow.pairs(k)}
        for t in range(len(slow.y)):
            if t in arrived:
                said, actual = arrived[t]
                factor += PACE / np.sqrt(k) * ((not said[0] <= actual <= said[4]) - share)
            if t in slow.kept and (~np.isnan(slow.y[: t + 1])).sum() >= 3:  # before, a simple rule of its own forecasts
                said, plain = (each[k - 1] for each in slow.kept[t])
                np.testing.assert_allclose(said - said[2], np.exp(factor) * (plain - plain[2]), rtol=1e-4, atol=1e-4)
                np.testing.assert_allclose(said[2], plain[2], rtol=1e-6)


@settings(max_examples=12)
@given(st.integers(0, 10**6))
def test_however_a_stream_is_cut_the_scores_are_the_same(seed):
    """One row at a time, all at once, or in any pieces of any series, gaps left out: the same scores."""
    rng = np.random.default_rng(seed)
    panel = Panel.from_arrays([noise(seed + i, int(rng.integers(5, 40))) for i in range(3)], ids=list("abc"))
    whole, pieces, done = watching(), watching(), np.zeros(3, np.int64)
    whole.update(panel)
    values = np.where(panel.mask, panel.values, np.nan)
    while (done < panel.lengths).any():
        until = done + rng.integers(0, panel.lengths - done, endpoint=True)
        begins = panel.offsets[:-1]
        given = [
            row
            for i, name in enumerate("abc")
            for row in rows(values[begins[i] + done[i] : begins[i] + until[i]], name, int(done[i]))
        ]
        kept = [row for row in given if row["y"] is not None or rng.random() < 0.5]
        if kept:
            pieces.update(kept)
        done = until
    for name in "abc":
        for recent in (False, True):
            alike(whole.scores(name, recent=recent), pieces.scores(name, recent=recent), rtol=1e-4, atol=1e-4)
        said = pieces.forecast(level=80, ids=name).values
        np.testing.assert_allclose(whole.forecast(level=80, ids=name).values, said, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_what_takes_the_short_way_is_watched_as_well(seed):
    """One observation at a time, by the network that is run without calls on tiny arrays, and all at once."""
    model = Forecaster.pretrained(horizon=K, season_length=3, weights="tiny").live().fitted
    short, long = watching(model), watching(model)
    assert short._speaker.quick is not None, "or nothing is tested here"
    y = noise(seed)
    for row in rows(y):
        short.update(row)
    long.update(rows(y))
    assert (long.scores()["n"] > 20).all()
    alike(short.scores(), long.scores(), rtol=1e-4, atol=1e-5)
    twins = (short, long._take(np.arange(1)))
    twins[1]._speaker.quick = None
    one, other = (live.forecast(K, quantiles=SIDES).values for live in twins)
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    still = Live(model)
    still.update(rows(y))
    assert np.abs(one - still.forecast(K, quantiles=SIDES).values).max() > 0.01, "widths have moved"


def test_a_series_does_not_depend_on_others():
    """Alone or among others, a series has the same scores, and the same intervals."""
    panel = Panel.from_arrays([noise(5), noise(6, 30) * 50], ids=["a", "b"])
    both = watching()
    both.update(panel)
    for i, name in enumerate("ab"):
        alone = watching()
        alone.update(panel.take(np.array([i])))
        alike(both.scores(name), alone.scores(), rtol=1e-4)
        said = alone.forecast(level=80).values
        np.testing.assert_allclose(both.forecast(level=80, ids=name).values, said, rtol=1e-5, atol=1e-5)
    assert both.scores(["b", "a"])["unique_id"].to_list() == ["b"] * K + ["a"] * K


def test_what_waited_too_long_is_forgotten():
    """After a gap only steps that reach over it are scored; rows that were left out are none."""
    live = watching()
    live.update(rows([1.0, 3.0, 2.0]))
    live.update({"unique_id": "a", "ds": 2 + 4, "y": 5.0})
    assert live.scores()["n"].to_list() == [2, 1, 0, 1, 1, 1, 0, 0, 0]
    live.update({"unique_id": "a", "ds": 100, "y": 5.0})
    assert live.scores()["n"].to_list() == [2, 1, 0, 1, 1, 1, 0, 0, 0]
    assert live.scores()["mae"].null_count() == 4


def test_what_was_before_is_not_scored():
    """A series that had a history when the watch began is scored from the next forecast on; medians stay."""
    live = Live.start(fitted(), Panel.from_arrays([noise(3)], ids=["a"]))
    plain = live.fork()
    live.watch(level=80)
    np.testing.assert_array_equal(live.forecast(quantiles=LEVELS).values, plain.forecast(quantiles=LEVELS).values)
    assert live.scores()["n"].sum() == 0
    for each in (live, plain):
        each.update(rows(noise(4), start=60))
    assert live.scores()["n"].max() < 60
    said, before = live.forecast(quantiles=LEVELS), plain.forecast(quantiles=LEVELS)
    np.testing.assert_allclose(said.median, before.median, rtol=1e-6)
    assert (said.values != before.values).any()


def test_repeats_and_refusals_change_nothing():
    """What is known already is not scored twice, and what cannot be taken is not scored at all."""
    live = watching()
    live.update(rows(noise(7)))
    before = live.snapshot()
    assert live.update(rows(noise(7))[-3:]).repeated == 3
    with pytest.raises(DataError, match="must be a whole number"):
        live.update([{"unique_id": "a", "ds": 60, "y": 1.0}, {"unique_id": "a", "ds": 61.5, "y": 1.0}])
    assert live.snapshot() == before


def test_a_peek_sees_what_an_update_would_do():
    """Its intervals are those after the update, and nothing is changed."""
    live = watching()
    live.update(rows(noise(8)))
    before, row = live.snapshot(), {"unique_id": "a", "ds": 60, "y": 99.0}
    said = live.peek(row, level=80)
    assert live.snapshot() == before
    live.update(row)
    np.testing.assert_array_equal(said.values, live.forecast(level=80).values)


def test_forks_go_their_own_ways():
    """What happens to one copy changes neither scores nor widths of the other."""
    live = watching()
    live.update(rows(noise(9)))
    before, twin = live.snapshot(), live.fork()
    twin.update([*rows(noise(10), start=60), *rows(noise(11), "b")])
    assert live.snapshot() == before
    assert twin.scores().height == 2 * K


@settings(max_examples=10)
@given(st.integers(0, 59), st.integers(0, 10**6))
def test_a_snapshot_goes_on_where_it_was_taken(cut, seed):
    """Restored, scores and intervals are the same to the bit, now and after any more observations."""
    live, given = watching(horizon=5), [*rows(noise(seed)), *rows(noise(seed + 1, 40), "b")]
    live.update(given[: cut + 1])
    twin = Live.restore(fitted(), live.snapshot())
    for each in (live, twin):
        each.update(given[cut + 1 :])
    assert live.scores().equals(twin.scores())
    np.testing.assert_array_equal(live.forecast(level=80).values, twin.forecast(level=80).values)
    assert live.snapshot() == twin.snapshot()


def test_damaged_snapshots_are_refused():
    """What is watched has to be there, and as large as it says."""
    live = watching()
    live.update(rows(noise(12)))
    snapshot = live.snapshot()
    names = (b'"watched.sums"', b'"watched.smus"'), (b'"watch"', b'"wacth"')
    for was, now in (*names, (b'"horizon": 9', b'"horizon": 8'), (b'"levels": [50, 80]', b'"levels": [50, 00]')):
        with pytest.raises(ArtifactError, match="damaged"):
            Live.restore(fitted(), forged(snapshot, was, now))


def test_memory_does_not_grow():
    """However long a stream goes on, what is kept, and its snapshot, stay as large as they are."""
    live, sizes = watching(), set()
    for start in range(0, 600, 60):
        live.update(rows(noise(start), start=1_000_000 + start))
        sizes.add((sum(array.nbytes for array in live._carried.watch.arrays.values()), len(live.snapshot()) // 100))
    assert len(sizes) == 1


def test_what_is_not_watched_costs_nothing():
    """Without a watch nothing is kept, and scores are refused."""
    live = Live(fitted())
    live.update(rows(noise(13)))
    assert b"watched" not in live.snapshot()
    with pytest.raises(UsageError, match=r"nothing is\. Call watch"):
        live.scores()


def test_a_watch_begins_anew():
    """Asked for again, with other levels or another horizon, nothing is left of the one before."""
    live = watching()
    live.update(rows(noise(14)))
    live.watch(3, level=90)
    assert live.scores().columns[-2:] == ["coverage-90", "width-90"]
    assert live.scores()["n"].to_list() == [0, 0, 0]


@pytest.mark.parametrize(
    ("asked", "match"),
    [({"horizon": 0}, "horizon must be"), ({"level": 100}, "level must be"), ({"level": "x"}, "level must be")],
)
def test_what_cannot_be_watched_is_told(asked, match):
    """Before anything of the watch there was is lost."""
    live = watching()
    live.update(rows(noise(15)))
    before = live.snapshot()
    with pytest.raises(UsageError, match=match):
        live.watch(**asked)
    assert live.snapshot() == before


def test_a_series_that_stands_still_stays_ready_to_move():
    """Intervals of no width say nothing of widths, however long they hold; the first two forecasts do have one."""
    live = watching()
    live.update(rows(np.full(300, 5.0)))
    widths = live._carried.watch.widths(np.array([0]), K)
    assert ((widths >= np.exp(-2 * PACE * 0.2) - 1e-9) & (widths <= 1)).all()
    assert live.scores()["coverage-80"].to_list() == [1.0] * K


def test_the_largest_numbers_are_scored():
    """Scores of values far beyond anything that is measured do not overflow."""
    live = watching()
    live.update(rows(np.tile([1e30, -1e30, 3e29], 10)))
    assert np.isfinite(live.scores()["mae"].to_numpy()).all()


def test_long_horizons_are_judged_at_some_steps():
    """What waits stays small, and steps between have the widths of those beside them."""
    live = watching(horizon=100, level=())
    live.update(rows(noise(16, 150)))
    found = live.scores()
    assert found.height == 24
    assert (found["step"][0], found["step"][-1]) == (1, 100)
    assert live.forecast(120, level=80).values.shape == (1, 120, 3)


STREAMS = 6
CHANGES, ROWS = (300, 600), 1100
"""Rows at which the level, and then the variance, change."""


def changing():
    """Streams of a season and errors that last; their level shifts, then their errors become three times as large."""
    t, streams = np.arange(ROWS), []
    for seed in range(STREAMS):
        drawn = np.random.default_rng(seed).normal(0, np.where(t < CHANGES[1], 1, 3))
        lasting = np.zeros(ROWS)
        for i in range(1, ROWS):
            lasting[i] = 0.6 * lasting[i - 1] + drawn[i]
        streams.append(100 + 4 * np.sin(2 * np.pi * t / 12) + 12 * (t >= CHANGES[0]) + lasting)
    return Panel.from_arrays(streams)


def test_coverage_comes_back_after_a_level_shift_and_a_change_of_variance():
    """200 observations after each change, intervals of 80 and 95 % hold within 3 points of what they promise.

    Over all streams, and all steps ahead: from there on as far as the stream goes on as it is.
    """
    live = Forecaster.pretrained(horizon=12, season_length=12, weights="tiny").live()
    live.watch()
    panel, at = changing(), 0
    for begin, end in ((CHANGES[0] + 200, CHANGES[1]), (CHANGES[1] + 200, ROWS)):
        for until in (begin, end):
            held, before = live.scores() if len(live) else None, at
            lengths = np.full(STREAMS, until)
            live.update(panel.between(np.full(STREAMS, before), lengths))
            at = until
        after = live.scores()
        for level in (80, 95):
            name = f"coverage-{level}"
            inside = (after[name] * after["n"]).sum() - (held[name] * held["n"]).sum()
            share = 100 * inside / (after["n"].sum() - held["n"].sum())
            assert abs(share - level) < 3, (begin, level, share)
