"""What time it is."""

import time

from foregate.service.clock import now


def test_the_clock_counts_microseconds():
    """It is between the times before and after, in microseconds since 1970."""
    before = time.time()
    assert before * 1e6 - 1 <= now() <= time.time() * 1e6 + 1
