"""Made-up series to pretrain on: numpy only, seeded, drawn from documented families.

Examples:
    >>> import numpy as np
    >>> batch = generate_batch(np.random.default_rng(0), n_series=3, length=60, seasons=(12, 1))
    >>> batch.values.shape
    (3, 60)
"""

from foregate.data.synthetic.batch import SyntheticBatch, generate_batch
from foregate.data.synthetic.prior import DAILY, DEFAULT, HOURLY, KINDS, QUARTERLY, WEEKLY, YEARLY, Kind, Prior

__all__ = [
    "DAILY",
    "DEFAULT",
    "HOURLY",
    "KINDS",
    "QUARTERLY",
    "WEEKLY",
    "YEARLY",
    "Kind",
    "Prior",
    "SyntheticBatch",
    "generate_batch",
]
