"""Laws of the carried statistics."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foregate.data.statistics import CARRIED, NoRows, _averages, nothing_carried, read

WINDOW = 20
values = st.lists(
    st.one_of(st.floats(-100, 100, width=32), st.just(np.nan), st.sampled_from([0.0, 3.0, 3.0])),
    min_size=1,
    max_size=30,
)


class Rows:
    """Rows that were read before, as `read` asks for them."""

    def __init__(self, kept, mask, seasons):
        self.kept, self.mask, self.seasons = kept, mask, seasons

    def __call__(self, season, width):
        back = self.seasons[season] - np.arange(width)
        t = self.mask.shape[1] - back
        there, t = t >= 0, np.maximum(t, 0)
        z, profile, count = self.kept["z"], self.kept["profile"], self.kept["count"]
        if not self.mask.shape[1]:
            return NoRows(len(self.mask))(season, width)
        columns = slice(2 * season, 2 * season + 2)
        return (
            np.where(there, z[:, t], 0),
            there & self.mask[:, t],
            np.where(there[:, None], profile[:, t, columns], 0),
            np.where(there, count[:, t, season], 0),
        )


@given(values, st.booleans(), st.sampled_from([(1, 1), (3, 1), (3, 7)]), st.data())
def test_chunks_do_not_matter(history, log, seasons, data):
    """Read in chunks of any size, every statistic and all that is carried are those of one reading, to the bit."""
    y = np.abs(history) + 1 if log else np.array(history)
    mask = ~np.isnan(y)[None]
    y, units = np.where(mask, y, 0), np.array([log])
    whole, end = read(y, mask, units, seasons, WINDOW, nothing_carried(1), NoRows(1))
    kept = {name: array[:, :0].astype(np.float32) for name, array in whole.items()}
    carried, t = nothing_carried(1), 0
    while t < y.shape[1]:
        now = slice(t, t + data.draw(st.integers(1, y.shape[1] - t)))
        latest = Rows(kept, mask[:, :t], seasons)
        part, carried = read(y[:, now], mask[:, now], units, seasons, WINDOW, carried, latest)
        kept = {name: np.concatenate([array, part[name]], 1) for name, array in kept.items()}
        t = now.stop
    for name, array in whole.items():
        np.testing.assert_array_equal(kept[name], array, err_msg=name)
    for name in CARRIED.names:
        np.testing.assert_array_equal(carried[name], end[name], err_msg=name)


def test_the_average_weighs_as_it_says():
    """Every observed value weighs (1 - rate) to the power of its age in rows, at every rate; between, it stays."""
    rng = np.random.default_rng(1)
    x, mask = rng.normal(size=(2, 60)), rng.random((2, 60)) < 0.6
    rates = (0.005, 0.1, 0.9)
    three = np.stack([np.where(mask, x, np.nan)] * 3)
    average, tops, bottoms = _averages(three, rates, nothing_carried(2), slice(0, 3))
    for i, rate in enumerate(rates):
        for b in range(2):
            for t in range(60):
                seen = np.flatnonzero(mask[b, : t + 1])
                weight = (1 - rate) ** (t - seen)
                np.testing.assert_allclose(tops[b, t, i], weight @ x[b, seen], rtol=1e-9, atol=1e-12)
                np.testing.assert_allclose(bottoms[b, t, i], weight.sum(), rtol=1e-9, atol=1e-12)
                expected = weight @ x[b, seen] / weight.sum() if len(seen) else 0
                np.testing.assert_allclose(average[b, t, i], expected, rtol=1e-9, atol=1e-12)
