"""Whatever the scheme, nothing of the gap or the targets is known at an origin, and blocks have nothing in common."""

from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import Panel
from foregate.evaluation import Drift, Plan, SeasonalNaive, backtest, scoreboard


@dataclass
class Notebook:
    """Forecasts 0, and writes down the times that it was fitted on and asked with."""

    fitted: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    name: str = "Notebook"

    def forecast(self, panel, horizon, quantiles, future=None):
        self.asked.append(rows_of(panel))
        said = Drift().forecast(panel, horizon, quantiles)
        return replace(said, values=np.zeros_like(said.values))

    def fit(self, panel):
        self.fitted.append(rows_of(panel))
        return self


def rows_of(panel):
    """Series -> its times."""
    return {str(one): panel.times[panel.offsets[i] : panel.offsets[i + 1]] for i, one in enumerate(panel.ids)}


def panel_of(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return Panel.from_arrays([rng.normal(10, 3, n) for n in lengths])


@st.composite
def plans(draw):
    """A plan of any scheme."""
    scheme = draw(st.sampled_from(["expanding", "rolling", "blocked"]))
    return Plan(
        horizon=draw(st.integers(1, 4)),
        n_windows=draw(st.integers(1, 4)),
        step=None if scheme == "blocked" else draw(st.none() | st.integers(1, 5)),
        gap=draw(st.integers(0, 3)),
        refit=draw(st.none() | st.booleans() | st.integers(1, 3)),
        scheme=scheme,
        train_rows=draw(st.integers(1, 8)) if scheme == "rolling" else None,
    )


lengths_of_series = st.lists(st.integers(1, 40), max_size=3).map(lambda some: [48, *some])


@given(lengths_of_series, plans())
@settings(max_examples=60)
def test_nothing_of_gap_or_targets_is_known(lengths, plan):
    """Neither a fit nor a forecast is shown a row of the gap, a target, or anything later, under any scheme."""
    notebook, panel = Notebook(), panel_of(lengths)
    result = backtest(notebook.fit, panel, plan)
    n_windows = result.origins.shape[1]
    assert len(notebook.asked) == n_windows
    for w, shown in enumerate(notebook.asked):
        parts = [shown, notebook.fitted[w // plan.every]]
        for s, one in enumerate(result.ids):
            if result.origins[s, w] < 0:
                assert one not in shown
                continue
            first, last = result.times[s, w, 0], result.cutoffs[s, w]
            assert last + plan.gap + 1 == first
            assert all(np.all(part[one] <= last) for part in parts if one in part)
            assert shown[one][-1] == last


@given(lengths_of_series, plans())
def test_training_parts_are_those_of_the_scheme(lengths, plan):
    """Expanding parts begin with the series, rolling ones have a fixed length, and blocks share no row at all."""
    notebook, panel = Notebook(), panel_of(lengths)
    result = backtest(notebook.fit, panel, plan)
    for s, one in enumerate(result.ids):
        before = -1
        for w in np.flatnonzero(result.origins[s] >= 0):
            rows = notebook.asked[w][one]
            if plan.scheme == "expanding":
                assert rows[0] == 0
            elif plan.scheme == "rolling":
                assert len(rows) == plan.train_rows
            else:
                assert rows[0] > before
                before = result.times[s, w, -1]
                assert rows[-1] < result.times[s, w, 0]


@given(lengths_of_series, plans(), st.integers(0, 3))
def test_poisoned_futures_change_nothing(lengths, plan, window):
    """Whatever is put in place of all rows after the origins of a window, what was said there stays to the bit."""
    panel = panel_of(lengths)
    models = {"Drift": lambda _: Drift(), "SeasonalNaive": lambda _: SeasonalNaive(2)}
    clean = backtest(models, panel, plan)
    w = min(window, clean.origins.shape[1] - 1)
    poisoned = panel.values.copy()
    for s, one in enumerate(clean.ids):
        if clean.origins[s, w] >= 0:
            i = panel.ids.tolist().index(one)
            poisoned[panel.offsets[i] + clean.origins[s, w] + 1 : panel.offsets[i + 1]] = 1e6
    other = backtest(models, replace(panel, values=poisoned), plan)
    present = clean.origins[:, w] >= 0
    np.testing.assert_array_equal(clean.scale[present, w], other.scale[present, w])
    for name in models:
        np.testing.assert_array_equal(clean.forecasts[name][present, w], other.forecasts[name][present, w])


@given(st.integers(2, 4), st.integers(0, 2), st.integers(1, 3))
def test_what_lies_outside_its_block_changes_nothing(n_windows, gap, horizon):
    """Forecasts and the scale of MASE in a block are those of its own rows: other blocks may hold anything."""
    plan = Plan(horizon, n_windows, gap=gap, scheme="blocked", season=2)
    panel = panel_of([60, 45])
    clean = backtest(SeasonalNaive(2), panel, plan)
    w = n_windows - 1
    poisoned = panel.values.copy()
    for s in range(2):
        poisoned[panel.offsets[s] : panel.offsets[s] + clean.begins[s, w]] = 1e6
    other = backtest(SeasonalNaive(2), replace(panel, values=poisoned), plan)
    np.testing.assert_array_equal(clean.forecasts["SeasonalNaive"][:, w], other.forecasts["SeasonalNaive"][:, w])
    np.testing.assert_array_equal(clean.scale[:, w], other.scale[:, w])


def test_a_rolling_part_as_long_as_the_past_is_expanding():
    """With as many training rows as the first origin knows, the first window is that of the expanding scheme."""
    panel = panel_of([40])
    expanding = backtest(Drift(), panel, Plan(3, 4))
    rolling = backtest(Drift(), panel, Plan(3, 4, scheme="rolling", train_rows=int(expanding.origins[0, 0]) + 1))
    np.testing.assert_array_equal(expanding.origins, rolling.origins)
    np.testing.assert_array_equal(expanding.forecasts["Drift"][:, 0], rolling.forecasts["Drift"][:, 0])
    np.testing.assert_array_equal(expanding.scale[:, 0], rolling.scale[:, 0])
    assert not np.array_equal(expanding.forecasts["Drift"][:, 3], rolling.forecasts["Drift"][:, 3])
    assert scoreboard(rolling)["Drift"].overall["mae"] != scoreboard(expanding)["Drift"].overall["mae"]
