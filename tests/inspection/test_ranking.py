"""The picture of what matters most."""

import numpy as np

from foregate.inspection.ranking import MOST_BARS, MOST_LETTERS, ranked
from foregate.reporting.canvas import SMALL, own_settings


def test_bars_stand_in_order_with_their_intervals():
    """There is a bar for each of the first names, as long as its size, and a line where both bounds are known."""
    sizes = np.linspace(1.2, 0.1, 12)
    low, high = sizes - 0.1, sizes + 0.1
    low[3] = np.nan
    with own_settings():
        (axes,) = ranked(["n" * 99, *map(str, range(11))], sizes, SMALL, label="rise", bounds=(low, high)).axes
    assert [bar.get_width() for bar in axes.patches] == sizes[:MOST_BARS].tolist()
    assert len(axes.collections[0].get_segments()) == MOST_BARS - 1
    assert len(axes.get_yticklabels()[0].get_text()) == MOST_LETTERS
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
