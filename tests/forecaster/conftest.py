"""Two small fitted forecasters, which no test changes."""

import pytest

from tests.forecaster.models import price, small, table


@pytest.fixture(scope="session")
def fitted():
    """A small model fitted on a polars table."""
    return small().fit(table())


@pytest.fixture(scope="session")
def priced():
    """A small model with a known-future covariate."""
    return small().fit(table(price=price), covariates={"price": "future"})
