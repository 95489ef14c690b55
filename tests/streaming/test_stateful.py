"""Any sequence of what can be done to a live forecaster, against a slow, obvious one."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from foregate.streaming.live import Live
from tests.forecasting.networks import history_columns, model
from tests.streaming.obvious import obvious
from tests.streaming.slow import Slow

REACH, K = 6, 5
NAMES = ("a", "b", "c")
values = st.one_of(st.floats(-100, 100, width=32), st.floats(1, 100, width=32), st.just(0.0), st.just(np.nan))


class Stream:
    """A live forecaster and a slow one, to which the same is done; a random stream of it, or one of hypothesis."""

    def __init__(self, fitted):
        self.fitted, self.live, self.slow = fitted, Live(fitted), Slow(fitted)
        self.live.allow_late(REACH)
        self.columns = fitted.spec.columns

    def told(self, rng, role):
        """Covariates of a row, as the slow one takes them and as a stream brings them."""
        coded, shown = {}, {}
        for spec in self.columns:
            if spec.role not in role or (spec.role != "static" and rng.random() < 0.1):
                shown |= {spec.name: None} if spec.role in role else {}
                continue
            code = int(rng.integers(len(spec.categories))) if spec.categories else float(np.float32(rng.normal(5, 2)))
            coded[spec.name] = code
            shown[spec.name] = spec.categories[code] if spec.categories else code
        return coded, shown

    def observe(self, name, skipped, value, seed):
        """The next row of a series, or one some steps ahead."""
        rng, step = np.random.default_rng(seed), len(self.slow.rows.get(name, [])) + skipped
        if name not in self.slow.rows:
            step, value = 0, 5.0 if np.isnan(value) else value  # a series begins when it is seen
        timed, shown = self.told(rng, ("past", "future"))
        static, more = self.told(np.random.default_rng(ord(name)), ("static",))
        self.live.update({"unique_id": name, "ds": step, "y": None if np.isnan(value) else value} | shown | more)
        self.slow.update(name, step, value, timed, static)

    def revise(self, name, back, value, seed):
        """Another value for one of the last rows: late if there was none, a correction otherwise."""
        rows = self.slow.rows[name]
        step = len(rows) - 1 - back
        if step < 0:
            return
        timed, shown = self.told(np.random.default_rng(seed), ("past", "future"))
        row = {"unique_id": name, "ds": step, "y": None if np.isnan(value) else value} | shown
        was, known = rows[step]
        if known == timed and (was == value or (np.isnan(was) and np.isnan(value))):
            assert self.live.update(row).repeated == 1
            return
        if np.isnan(was):
            assert self.live.update(row).late == 1
        else:
            assert self.live.correct(row).late == 1
        self.slow.update(name, step, value, timed)

    def announce(self, name, seed):
        """What is known of the next K rows."""
        rng, rows = np.random.default_rng(seed), len(self.slow.rows[name])
        for step in range(rows, rows + K):
            timed, shown = self.told(rng, ("future",))
            self.live.announce({"unique_id": name, "ds": step} | shown)
            self.slow.announce(name, step, timed)

    def drop(self, name):
        """The end of a series."""
        self.live.drop(name)
        self.slow.drop(name)

    def agree(self, name, seed):
        """Both forecast the same."""
        if any(spec.role == "future" for spec in self.columns):
            self.announce(name, seed)
        if all(np.isnan(value) for value, _ in self.slow.rows[name]):
            return
        levels = self.fitted.levels
        said = self.live.forecast(K, quantiles=levels, ids=[name]).values[0]
        expected = self.slow.forecast(name, K, levels)
        size = np.nanmax([abs(value) for value, _ in self.slow.rows[name]])
        assert np.all(np.abs(said - expected) <= 1e-5 * np.maximum(size, np.abs(expected)))


def plain():
    return obvious((3, 7))


def covariates():
    return model("lstm", columns=history_columns(), seasons=(3, 7))


class Machine(RuleBasedStateMachine):
    """Hypothesis looks for a sequence after which the two differ, and makes it short."""

    made = staticmethod(plain)

    @initialize()
    def begin(self):
        self.stream = Stream(self.made())

    def _known(self, i):
        known = sorted(self.stream.slow.rows)
        return known[i % len(known)]

    @rule(name=st.sampled_from(NAMES), skipped=st.integers(0, 2), value=values, seed=st.integers(0, 99))
    def observe(self, name, skipped, value, seed):
        self.stream.observe(name, skipped, value, seed)

    @precondition(lambda self: self.stream.slow.rows)
    @rule(i=st.integers(0, 2), back=st.integers(0, REACH - 1), value=values, seed=st.integers(0, 99))
    def revise(self, i, back, value, seed):
        self.stream.revise(self._known(i), back, value, seed)

    @precondition(lambda self: self.stream.slow.rows)
    @rule(i=st.integers(0, 2))
    def drop(self, i):
        self.stream.drop(self._known(i))

    @rule()
    def save_and_restore(self):
        self.stream.live = Live.restore(self.stream.fitted, self.stream.live.snapshot())

    @rule()
    def fork(self):
        self.stream.live = self.stream.live.fork()

    @precondition(lambda self: self.stream.slow.rows)
    @rule(i=st.integers(0, 2), seed=st.integers(0, 99))
    def agree(self, i, seed):
        self.stream.agree(self._known(i), seed)


class WithCovariates(Machine):
    """The same with covariates of every role."""

    made = staticmethod(covariates)


TestPlain = Machine.TestCase
TestWithCovariates = WithCovariates.TestCase
TestPlain.settings = TestWithCovariates.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)


def run(fitted, updates, seed, every):
    """So many random updates of gaps, repeats, late rows and corrections, compared every so often."""
    stream, rng = Stream(fitted), np.random.default_rng(seed)
    for i in range(updates):
        name = NAMES[rng.integers(3)]
        value = float(
            np.float32(rng.choice([rng.normal(50, 5), rng.normal(0, 5), 0.0, np.nan], p=[0.7, 0.15, 0.05, 0.1]))
        )
        if name in stream.slow.rows and rng.random() < 0.2:
            stream.revise(name, int(rng.integers(REACH)), value, i)
        else:
            stream.observe(name, int(rng.choice([0, 0, 0, 0, 1, 2])), value, i)
        if i % every == every - 1:
            for known in stream.slow.rows:
                stream.agree(known, i)


@pytest.mark.slow
@pytest.mark.parametrize("made", [plain, covariates])
def test_ten_thousand_random_updates(made):
    """After 10,000 updates with gaps, repeats, late rows and corrections, stream and batch are one within 1e-5."""
    run(made(), 10_000, seed=3, every=1_000)


@pytest.mark.parametrize("made", [plain, covariates])
def test_hundreds_of_random_updates(made):
    """The same, short."""
    run(made(), 400, seed=4, every=100)
