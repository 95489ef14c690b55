"""Laws of the measurement of memory over time."""

import pytest

from benchmarks.service.rows import Options
from benchmarks.service.soak import eighths, growth, run


def test_growth_is_what_came_after_caches_were_filled():
    """What fills in the first eighth is no growth; a leak is, as far as it grew between the middles of the thirds."""
    filled = [(float(at), min(at, 10.0) * 10) for at in range(1, 97)]
    assert growth(filled) == (100, 100)
    assert eighths(filled)[1:] == [100] * 7
    leak = [(float(at), 100.0 + at) for at in range(1, 97)]
    first, last = growth(leak)
    assert last - first == pytest.approx(2 / 3 * 84, abs=2)


@pytest.mark.slow
def test_memory_does_not_grow():
    """Under eight minutes of a steady load memory grows by 3 % at most, and by 20 MiB after 1,000 swaps."""
    rows = run(Options())
    print(*rows, sep="\n")
    assert all(row.fine for row in rows)
