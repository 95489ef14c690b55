"""Laws of live series with covariates."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from foregate.core import ArtifactError, DataError, Panel, UsageError
from foregate.streaming.columns import FURTHEST
from foregate.streaming.live import Live
from tests.forecasting.networks import EVERY_WAY, HORIZON, LEVELS, close, model, told
from tests.streaming.models import forged

SEASONS = [(1, 1), (3, 1), (3, 7)]


def history(lengths=(30, 18), seed=0):
    """Series with a covariate of every role, and the model's columns."""
    rng = np.random.default_rng(seed)
    made = [5 + rng.normal(0, 1, n) + np.arange(n) % 3 for n in lengths]
    made[0][[4, 9, 10]] = np.nan
    return told(Panel.from_arrays(made, ids=[f"s{i}" for i in range(len(lengths))]))


def row_of(panel, series, t, *, target=True):
    """A row as a mapping."""
    i = panel.offsets[series] + t
    row = {"unique_id": str(panel.ids[series]), "ds": t}
    if target:
        row["y"] = float(panel.values[i]) if panel.mask[i] else None
    for name, each in panel.covariates.items():
        value = each.values[series if each.role == "static" else i]
        if target or each.role == "future":
            row[name] = None if np.isnan(value) else each.categories[int(value)] if each.categories else float(value)
    return row


def cut(panel, lengths):
    """The first rows of each series, and the known-future values of the HORIZON after them."""
    future = {
        name: np.stack([each.values[panel.offsets[s] + n :][:HORIZON] for s, n in enumerate(lengths)])
        for name, each in panel.covariates.items()
        if each.role == "future"
    }
    return panel.cut(np.array(lengths)), future


@pytest.mark.parametrize("label", [*EVERY_WAY, "recursive+draws=0"])
@pytest.mark.parametrize("seasons", SEASONS)
def test_a_stream_with_covariates_is_a_batch(label, seasons):
    """However rows come and values are announced, the forecast is that of a pass over all of it."""
    panel, columns = history()
    fitted, rng = model(label, columns=columns, seasons=seasons), np.random.default_rng(1)
    live, done = Live(fitted), [0, 0]
    ends = (25, 13)
    while done != list(ends):
        s = int(rng.integers(2))
        new = min(int(rng.integers(1, 7)), ends[s] - done[s])
        if new and done[s] and rng.random() < 0.5:
            live.announce([row_of(panel, s, t, target=False) for t in range(done[s], done[s] + 3)])
        if new:
            live.update([row_of(panel, s, t) for t in rng.permutation(np.arange(done[s], done[s] + new))])
        done[s] += new
    live.announce([row_of(panel, s, t, target=False) for s in (0, 1) for t in range(ends[s], ends[s] + HORIZON)])
    past, future = cut(panel, ends)
    said = live.forecast(HORIZON, quantiles=LEVELS, ids=["s0", "s1"])
    close(said.values, fitted.forecast(past, HORIZON, LEVELS, future).values)


@pytest.mark.parametrize("label", ["lstm", "patched+student-t+lookback=9"])
def test_a_panel_with_covariates_is_where_a_stream_goes_on(label):
    """Started with part of a panel and updated with the rest, by frames, rows or a panel."""
    panel, columns = history()
    fitted = model(label, columns=columns, seasons=(3, 7))
    past, future = cut(panel, (25, 13))
    expected = fitted.forecast(past, HORIZON, LEVELS, future).values
    rest = [row_of(panel, s, t) for s, n in enumerate((25, 13)) for t in range(8, n)]
    ahead = [row_of(panel, s, t, target=False) for s, n in enumerate((25, 13)) for t in range(n, n + HORIZON)]
    whole = past.between(np.array([8, 8]), past.lengths)
    for given in (rest, pl.DataFrame(rest), {key: [row[key] for row in rest] for key in rest[0]}, whole):
        live = Live.start(fitted, panel.cut(np.array([8, 8])))
        live.update(given)
        live.announce(pl.DataFrame(ahead))
        close(live.forecast(HORIZON, quantiles=LEVELS).values, expected)


def test_corrections_take_covariates_along():
    """A row that is corrected or comes late has the covariates that it came with."""
    panel, columns = history()
    fitted = model("lstm", columns=columns, seasons=(3, 7))
    wrong = replace(
        panel,
        covariates=panel.covariates
        | {"price": replace(panel.covariates["price"], values=panel.covariates["price"].values + 1)},
    )
    past, future = cut(panel, (25, 13))
    expected = fitted.forecast(past, HORIZON, LEVELS, future).values
    live = Live(fitted)
    live.allow_late(6)
    live.update([row_of(panel, s, t) for s, n in enumerate((25, 13)) for t in range(n - 3)])
    live.update([row_of(wrong, s, t) | {"y": 99.0} for s, n in enumerate((25, 13)) for t in (n - 3, n - 1)])
    live.announce([row_of(panel, s, t, target=False) for s, n in enumerate((25, 13)) for t in range(n, n + HORIZON)])
    live.update([row_of(panel, s, n - 2) for s, n in enumerate((25, 13))])
    for s, n in enumerate((25, 13)):
        assert live.correct([row_of(panel, s, t) for t in (n - 3, n - 1)]).late == 2
    close(live.forecast(HORIZON, quantiles=LEVELS).values, expected)


def test_copies_snapshots_and_ends():
    """Covariates go along with a fork, a snapshot, and the series that stay."""
    panel, columns = history()
    fitted = model("lstm", columns=columns, seasons=(3, 7))
    live = Live.start(fitted, panel.cut(np.array([20, 10])), allow_late=4)
    live.announce([row_of(panel, s, t, target=False) for s, n in enumerate((20, 10)) for t in range(n, n + HORIZON)])
    before = live.forecast(HORIZON, quantiles=LEVELS).values
    fork, restored = live.fork(), Live.restore(fitted, live.snapshot())
    live.announce(row_of(panel, 0, 20, target=False) | {"price": 50.0})
    for twin in (fork, restored):
        assert (twin.forecast(HORIZON, quantiles=LEVELS).values == before).all()
    fork.drop("s0")
    np.testing.assert_allclose(fork.forecast(HORIZON, quantiles=LEVELS).values, before[1:], rtol=1e-5)
    peeked = restored.peek(row_of(panel, 1, 10), 1, quantiles=LEVELS).values
    restored.update(row_of(panel, 1, 10))
    np.testing.assert_allclose(peeked, restored.forecast(1, quantiles=LEVELS, ids=["s1"]).values, rtol=1e-6)
    assert restored.correct(row_of(panel, 1, 8) | {"y": 3.0}).late == 1
    with pytest.raises(ArtifactError, match="damaged"):
        Live.restore(fitted, forged(live.snapshot(), b'"back"', b'"kcab"'))


def test_what_is_not_known_is_said():
    """Rows without their covariates, forecasts without the future, and announcements of no use are refused."""
    panel, columns = history()
    fitted = model("lstm", columns=columns)
    live = Live.start(fitted, panel.cut(np.array([20, 10])))
    before = live.snapshot()
    row = row_of(panel, 0, 20)
    wrong = [
        ({key: row[key] for key in row if key != "price"}, r"must have .*'price'.*, but 'price' is not among"),
        (
            {key: row[key] for key in row if key != "kind"} | {"unique_id": "new"},
            "must come with the covariates",
        ),
        (row | {"price": "dear"}, "'price' must be a finite number"),
        (row | {"promo": 3}, "'promo' must be text"),
        (pl.DataFrame([row]).drop("promo"), r"must have the columns .*'promo'"),
        (pl.DataFrame([row | {"promo": 3}]), "must hold text, since it held categories"),
    ]
    for given, message in wrong:
        with pytest.raises(DataError, match=message):
            live.update(given)
    with pytest.raises(DataError, match=r"covariates 'price', 'promo' must be known for all 5 steps.*Announce"):
        live.forecast()
    ahead = row_of(panel, 0, 20, target=False)
    for given, message in (
        (ahead | {"ds": 3}, r"times to come, but got 3 of 's0', whose next time is 20: which has been read"),
        (ahead | {"ds": 20 + FURTHEST}, "more than 10,000 steps ahead"),
        (ahead | {"unique_id": "nobody"}, "must have been seen"),
        ({"unique_id": "s0", "ds": 20, "price": 1.0}, "'promo' is not among"),
    ):
        with pytest.raises(DataError, match=message):
            live.announce(given)
    assert live.snapshot() == before
    with pytest.raises(UsageError, match="only models with known-future covariates"):
        Live(model("lstm")).announce(ahead)


def test_unknown_categories_are_read_as_in_a_batch():
    """A category that the model has not seen is told as unknown."""
    panel, columns = history((30,))
    columns = tuple(replace(c, categories=c.categories[:1]) if c.name == "sky" else c for c in columns)
    fitted = model("lstm", columns=columns)
    past, future = cut(panel, (25,))
    live = Live(fitted)
    live.update([row_of(panel, 0, t) for t in range(25)])
    live.announce([row_of(panel, 0, t, target=False) for t in range(25, 30)])
    close(live.forecast(quantiles=LEVELS).values, fitted.forecast(past, HORIZON, LEVELS, future).values)


def test_other_covariates_are_no_repetition():
    """What comes again with other covariates is refused as another value would be, and corrected as one is."""
    panel, columns = history()
    fitted = model("lstm", columns=columns, seasons=(3, 7))
    for reach in (0, 4):
        live = Live.start(fitted, panel.cut(np.array([25, 13])), allow_late=reach)
        before, row = live.snapshot(), row_of(panel, 0, 24)
        assert live.update(row).repeated == 1
        for changed in ({"price": 50.0}, {"seen": None}, {"sky": "never"}):
            assert changed.keys() < row.keys()
            with pytest.raises(DataError, match=r"where .* with other covariates was read"):
                live.update(row | changed)
        with pytest.raises(DataError, match=r"got .* at 0 of"):
            live.update(row_of(panel, 0, 0) | {"price": 50.0})
        with pytest.raises(DataError, match="beside other covariates for the same time"):
            live.update([row_of(panel, 0, 25), row_of(panel, 0, 25) | {"price": 50.0}])
        assert live.snapshot() == before
    wrong = {t: row_of(panel, 0, t) | {"price": 50.0, "sky": None} for t in (22, 24)}
    live = Live.start(fitted, panel.cut(np.array([22, 13])), allow_late=4)
    live.update([wrong[22], row_of(panel, 0, 23), wrong[24]])
    live.announce([row_of(panel, 0, t, target=False) for t in range(25, 25 + HORIZON)])
    assert [live.correct(row_of(panel, 0, t)).late for t in (24, 22, 23)] == [1, 1, 0]
    past, future = cut(panel, (25, 13))
    close(live.forecast(ids="s0", quantiles=LEVELS).values, fitted.forecast(past, HORIZON, LEVELS, future).values[:1])


def test_columns_of_nothing_are_missing_values():
    """Rows whose covariates are all null say the same as columns, whose type then says nothing, as one by one."""
    panel, columns = history()
    fitted = model("lstm", columns=columns)
    row = dict.fromkeys(row_of(panel, 0, 20)) | {"unique_id": "s0", "ds": 20}
    kinds = dict.fromkeys(row, pl.String) | {"ds": pl.Int64}
    assert any(column.categories for column in columns), "or nothing is tested here"
    found = []
    for rows in (row, {name: [value] for name, value in row.items()}, pl.DataFrame([row], schema=kinds)):
        live = Live.start(fitted, panel.cut(np.array([20, 10])))
        assert live.update(rows).read == 1
        found.append(live.snapshot())
    assert found[0] == found[1] == found[2]


def test_watched_streams_score_what_could_be_forecast():
    """Forecasts are made where the future was announced far enough, and only those are scored."""
    panel, columns = history((40,))
    live = Live(model("lstm", columns=columns))
    live.watch(2, level=80)
    for t in range(20):
        live.update(row_of(panel, 0, t))
    assert live.scores()["n"].to_list() == [0, 0], "nothing was announced"
    live.announce([row_of(panel, 0, t, target=False) for t in range(20, 26)])
    for t in range(20, 26):
        live.update(row_of(panel, 0, t))
    assert live.scores()["n"].to_list() == [4, 4], "from rows 20 to 23, of which two more were announced"
    for recent in (False, True):
        told = live.scores(recent=recent).drop("unique_id").to_numpy()
        assert np.isfinite(told).all(), "what could not be forecast is in no mean"


def test_far_announcements_and_long_calls_make_room():
    """The tape of a series grows with how far ahead it is told, and not with how long it gets."""
    panel, columns = history((600,))
    fitted = model("lstm", columns=columns, seasons=(3, 7))
    live = Live(fitted)
    live.update([row_of(panel, 0, t) for t in range(450)])
    live.announce([row_of(panel, 0, t, target=False) for t in range(450, 600)])
    size = live._carried.columns.arrays["timed"].shape
    for t in range(450, 580):
        live.update(row_of(panel, 0, t))
    assert live._carried.columns.arrays["timed"].shape == size
    past, future = cut(panel, (580,))
    close(live.forecast(quantiles=LEVELS).values, fitted.forecast(past, HORIZON, LEVELS, future).values)
