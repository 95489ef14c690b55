"""Laws of `foregate.data.audit`."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import Panel
from foregate.data.audit import Finding, Span, audit

HOUR = np.timedelta64(1, "h")


def panel_at(times: np.ndarray, freq: str | None = None) -> Panel:
    """One series with noise for values at the given times."""
    n = len(times)
    values = np.random.default_rng(0).normal(10, 1, n).astype(np.float32)
    panel = Panel(np.array(["a"]), np.array([0, n]), values, np.ones(n, bool), times.astype("datetime64[us]"))
    return panel.with_freq(freq) if freq else panel


def hours(first: str, last: str, step: str = "1h") -> np.ndarray:
    """Even times from first to last, both included."""
    every = np.timedelta64(int(step[:-1]), step[-1])
    return np.arange(np.datetime64(first, "m"), np.datetime64(last, "m") + every, every)


def local(utc: np.ndarray) -> np.ndarray:
    """Clock times in Berlin of 2023 and 2024 for UTC times, in the order of a sorted table."""
    summer = np.zeros(len(utc), bool)
    for begin, end in (("2023-03-26T01", "2023-10-29T01"), ("2024-03-31T01", "2024-10-27T01")):
        summer |= (utc >= np.datetime64(begin)) & (utc < np.datetime64(end))
    return np.sort(utc + HOUR + summer * HOUR)


def kinds(panel: Panel) -> dict[str, Finding]:
    """Findings by kind, without those on the installation."""
    return {f.kind: f for f in audit(panel).findings if f.kind != "not_installed"}


@given(st.sets(st.integers(1, 98), max_size=30))
@settings(max_examples=25, deadline=None)
def test_gaps_are_counted_and_placed_exactly(removed):
    """Whatever rows are taken out, as many steps are missing, and the spans name every one of them."""
    times = hours("2024-01-01", "2024-01-05T03")
    found = audit(panel_at(np.delete(times, sorted(removed)), "h"))
    assert found.gaps == len(removed)
    spans = [span for f in found.findings if f.kind == "gaps" for span in f.ranges]
    named = {t for s in spans for t in hours(s.first.replace(" ", "T"), s.last.replace(" ", "T"))}
    assert named == {times[i] for i in removed}
    assert sum(span.count for span in spans) == len(removed)


def test_a_plain_panel_has_nothing_to_report():
    """Positive noise at even times gives no finding at all."""
    assert kinds(panel_at(hours("2024-01-01", "2024-01-09"), "h")) == {}
    assert audit(panel_at(hours("2024-01-01", "2024-01-09"), "h")).freq_confidence == 1.0


@pytest.mark.parametrize("minutes", [60, 30])
def test_clock_changes_are_told_apart_from_gaps_and_repeats(minutes):
    """In two years of local times four switches are found, and the one real gap stays a gap."""
    clock = local(hours("2023-01-01", "2024-12-30", f"{minutes}m"))
    found = audit(panel_at(np.delete(clock, slice(1000, 1007)), f"{minutes}min"))
    assert (found.clock_changes, found.gaps, found.repeats) == (4, 7, 0)
    finding = next(f for f in found.findings if f.kind == "daylight_saving")
    assert finding.severity == "error"
    assert "on 2 Sundays an hour is missing and on 2 one is told twice" in finding.message
    assert {s.first[:10] for s in finding.ranges} == {"2023-03-26", "2023-10-29", "2024-03-31", "2024-10-27"}


def test_missing_hours_of_summer_time_alone_are_known_by_two_of_their_dates():
    """Two skipped hours on the right Sundays are clock changes; one, or two on other Sundays, are gaps."""
    clock = np.unique(local(hours("2023-01-01", "2024-12-30")))
    assert (audit(panel_at(clock, "h")).clock_changes, audit(panel_at(clock, "h")).gaps) == (2, 0)
    one_year = clock[clock < np.datetime64("2024-01-01")]
    assert (audit(panel_at(one_year, "h")).clock_changes, audit(panel_at(one_year, "h")).gaps) == (0, 1)
    weeks = np.timedelta64(14, "D")
    assert (audit(panel_at(clock + weeks, "h")).clock_changes, audit(panel_at(clock + weeks, "h")).gaps) == (0, 2)


def test_times_with_a_zone_have_no_clock_changes():
    """Inside the panel zoned times are UTC: an hour missing there is missing."""
    panel = panel_at(np.unique(local(hours("2023-01-01", "2024-12-30"))), "h")
    zoned = replace(panel, spec=replace(panel.spec, time_zone="Europe/Berlin"))
    assert (audit(zoned).clock_changes, audit(zoned).gaps) == (0, 2)


def test_repeats_are_counted_and_named():
    """A repeated row is an error that says where and what to do."""
    times = hours("2024-05-01", "2024-05-05")
    finding = kinds(panel_at(np.insert(times, 50, times[50]), "h"))["repeats"]
    assert (finding.severity, finding.count, finding.ids) == ("error", 1, ("a",))
    assert finding.ranges == (Span("a", "2024-05-03 02:00:00", "2024-05-03 02:00:00", 1),)
    assert 'clean(panel, duplicates="first")' in finding.message


def test_irregular_times_are_told_apart_from_single_wrong_ones():
    """One row between two steps is a wrong timestamp; random times are irregular and nothing is said on seasons."""
    times = hours("2024-05-01", "2024-05-09").astype("datetime64[s]")
    wrong = times.copy()
    wrong[60] += 90
    assert kinds(panel_at(wrong, "h"))["off_grid"].count == 2
    rng = np.random.default_rng(1)
    scattered = np.sort(times + rng.integers(0, 3000, len(times)))
    found = audit(panel_at(scattered, "h"))
    assert found.irregular
    assert found.findings[0].kind == "irregular"
    assert found.seasons is None
    unknown = audit(panel_at(scattered))
    assert (unknown.freq, unknown.findings[0].kind, unknown.worst) == (None, "frequency", "error")
    assert ("seasons", "unknown: the timestamps are not regular") in unknown.rows()


def test_one_bad_series_does_not_hide_the_others():
    """Seasons are sought in the series that are regular."""
    y = np.tile(np.arange(7.0), 20) + np.random.default_rng(0).normal(size=140)
    panel = Panel.from_arrays([y, y, y], freq="D")
    times = panel.times.copy()
    times[150] += HOUR
    assert audit(replace(panel, times=times)).seasons == (7,)


def test_the_frequency_is_inferred_when_it_is_not_given():
    """A panel without a frequency is looked at by the one that its times show."""
    found = audit(panel_at(np.delete(hours("2024-01-01", "2024-01-09"), [30, 31])))
    assert (found.freq, found.gaps) == ("h", 2)


def test_values_are_counted_by_what_they_are():
    """Missing, empty, short, constant, negative, zero and intermittent are each counted and named."""
    rng = np.random.default_rng(0)
    noise = rng.normal(50, 1, 40)
    series = {
        "holes": np.where(np.arange(40) % 10 == 3, np.nan, noise),
        "empty": np.full(40, np.nan),
        "short": np.arange(1.0, 6.0),
        "flat": np.full(40, 7.0),
        "sales": np.where(np.arange(40) % 2 == 0, 0.0, noise),
        "below": -noise,
    }
    panel = Panel.from_arrays(list(series.values()), ids=list(series), freq="D")
    found, by_kind = audit(panel), kinds(panel)
    assert (found.missing, found.constant, found.negative, found.zero) == (44, 1, 40, 20)
    named = {"missing": ("holes", "empty"), "empty": ("empty",), "short": ("short",), "constant": ("flat",)}
    named |= {"negative": ("below",), "zero": ("sales",), "intermittent": ("sales",)}
    for kind, ids in named.items():
        assert by_kind[kind].ids == ids
    assert by_kind["missing"].ranges[0].count == 40
    assert by_kind["ends"].ids == ("short",)


def test_stand_ins_for_missing_are_suspected_only_far_from_the_rest():
    """-9999 among temperatures is suspect, among values of its size it is not."""
    y = np.random.default_rng(0).normal(10, 5, 100)
    y[[20, 21, 60]] = -9999
    finding = kinds(Panel.from_arrays([y, y * 0 + np.arange(100) * 100 - 9999], freq="h"))["stand_in"]
    assert (finding.ids, finding.count, finding.ranges[0].count) == (("s0",), 3, 2)


def test_outliers_are_found_and_rush_hours_are_not():
    """One spike among noisy peaks that come every day is the one outlier."""
    rng = np.random.default_rng(2)
    y = np.tile(np.r_[np.zeros(20), 30, 60, 30, 0], 12) + rng.normal(size=288)
    y[100] = 40.0
    panel = Panel.from_arrays([y], freq="h")
    assert audit(panel).outliers == 1
    assert kinds(panel)["outliers"].ranges == (Span("s0", "2000-01-05 04:00:00", "2000-01-05 04:00:00", 1),)


def test_strengths_and_hints_tell_series_apart():
    """A season on a line is strong in both and wanders; noise is neither and keeps to a level."""
    pytest.importorskip("statsmodels")
    rng = np.random.default_rng(0)
    t = np.arange(144)
    strong = audit(Panel.from_arrays([t + 20 * np.sin(t * np.pi / 6) + rng.normal(size=144)], freq="MS")).shape
    plain = audit(Panel.from_arrays([rng.normal(size=144)], freq="MS")).shape
    assert strong.trend > 0.95
    assert strong.season > 0.95
    assert strong.stationary == 0.0
    assert (plain.season, plain.stationary, plain.wandering) == (0.0, 1.0, 0.0)
    assert plain.trend < 0.3
    assert strong.remainder < 0.05 < 0.5 < plain.remainder


def test_without_statsmodels_the_rest_is_told_and_the_extra_is_named(monkeypatch):
    """What needs an extra is left out with a finding that says how to install it."""
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.stattools", None)
    found = audit(Panel.from_arrays([np.tile(np.arange(7.0), 20)], freq="D"))
    assert found.shape is None
    assert found.seasons == (7,)
    assert 'pip install "foregate[train]"' in found.findings[-1].message


def test_an_audit_is_plain_json_and_rows_of_text():
    """Every audit, odd ones too, can be written as strict JSON and as a table."""
    empty = Panel.from_arrays([np.zeros(0)], freq="D")
    odd = Panel.from_arrays([np.array([1.0]), np.full(5, np.nan)], freq=1)
    for panel in (empty, odd, panel_at(hours("2024-01-01", "2024-01-09")), empty.take([])):
        found = audit(panel)
        assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["n_series"] == len(panel)
        assert all(isinstance(text, str) for row in found.rows() for text in row)


def test_findings_come_worst_first_and_nothing_is_changed():
    """Errors lead, and the panel is as it was."""
    times = hours("2024-05-01", "2024-05-05")
    panel = panel_at(np.delete(np.insert(times, 50, times[50]), 10))
    before = panel.values.copy()
    found = audit(panel)
    order = [f.severity for f in found.findings]
    assert order == sorted(order, key=["error", "warning", "info"].index)
    assert found.worst == "error"
    assert np.array_equal(panel.values, before)


def test_a_big_panel_is_sampled_and_says_so(monkeypatch):
    """Outliers of a big panel are counted in a sample; counts of rows are of the whole."""
    report = sys.modules["foregate.data.audit.report"]  # the name foregate.data.audit is the function
    monkeypatch.setattr(report, "BIG", 2000)
    monkeypatch.setattr(report, "SAMPLED_SERIES", 5)
    y = np.random.default_rng(0).normal(10, 1, 300)
    y[250] = 1000
    found = audit(Panel.from_arrays([y] * 20, freq="h"))
    assert (found.n_rows, found.outliers) == (6000, 5)
    assert "in a sample of 5 series" in next(f.message for f in found.findings if f.kind == "outliers")
