"""Every column of what a network is told has the name of what it speaks of."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Covariate, Panel
from foregate.data.clock import Clock
from foregate.data.columns import ColumnSpec, fit_columns
from foregate.data.feature_names import encoder_features, path_features, step_features
from foregate.data.inputs import Inputs, InputSpec

SPECS = [
    InputSpec((1, 1), 1, 50),
    InputSpec((3, 7), 4, 20),
    InputSpec((24, 168), clock=Clock.of(1 / 24, 366.0), columns=(ColumnSpec("price", "future"),)),
    InputSpec(
        (7, 1), columns=(ColumnSpec("a", "static", categories=("x", "y"), unknown=True), ColumnSpec("b", "past"))
    ),
]
K = np.arange(1, 5)


def panel_with(columns, n=60):
    """One lively series with covariates of every role."""
    rng = np.random.default_rng(0)
    panel = Panel.from_arrays([100 + rng.normal(size=n).cumsum()], freq="D")
    return replace(panel, covariates=columns)


def columns_of(rng, n=60):
    return {
        "shop": Covariate("static", np.zeros(1, np.float32), ("north", "south")),
        "rain": Covariate("past", rng.normal(size=n).astype(np.float32)),
        "price": Covariate("future", rng.normal(size=n).astype(np.float32)),
    }


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_there_is_a_name_for_every_column(spec):
    """The three lists are as long as the three tables are wide."""
    widths = spec.n_features, spec.n_steps, spec.n_profiles
    assert tuple(len(of(spec)) for of in (encoder_features, step_features, path_features)) == widths


@pytest.mark.parametrize("name", ["shop", "rain", "price"])
def test_a_covariate_changes_the_columns_that_bear_its_name_and_no_others(name):
    """Another value of a covariate moves just the columns whose group it is, in the encoder and in the steps."""
    given = columns_of(np.random.default_rng(1))
    panel = panel_with(given)
    spec = InputSpec((7, 1), columns=fit_columns(panel))
    spec = replace(spec, columns=(replace(spec.columns[0], categories=("north", "south")), *spec.columns[1:]))
    changed = replace(given[name], values=1 - given[name].values)
    before, after = (Inputs(p, spec) for p in (panel, panel_with({**given, name: changed})))
    rows = np.array([30])
    for told, names in (
        (lambda i: i.features(rows), encoder_features(spec)),
        (lambda i: i.steps(rows, K)[0].max(1), step_features(spec)),
    ):
        moved = (told(before) != told(after))[0]
        of_it = np.array([feature.group == name and feature.source == given[name].role for feature in names])
        assert not moved[~of_it].any()
        assert moved.any() == of_it.any()


@pytest.mark.parametrize("lag", [1, 5, 7, 8])
def test_a_lag_is_the_value_so_many_rows_back(lag):
    """Of all single values of the past, the one k rows back moves the column named for it, and no other lag."""
    panel, spec = panel_with({}), InputSpec((7, 1), 6)
    row = 40
    values = panel.values.copy()
    values[row - lag] *= 1.01
    names = encoder_features(spec)
    before, after = (Inputs(p, spec) for p in (panel, replace(panel, values=values)))
    told = [inputs.near(np.array([row]))[0].tracks.z for inputs in (before, after)]
    assert np.flatnonzero(told[0] != told[1]).tolist() == [row - lag]
    moved = [
        i for i, feature in enumerate(names) if feature.lag and told[0][row - feature.lag] != told[1][row - feature.lag]
    ]
    assert {names[i].lag for i in moved} == {lag}
    there, scale = before.features(np.array([row]))[0], before.units(np.array([row]))
    for i in moved:
        above = (told[0][row - lag] - scale.level[0]) / scale.scale[0]
        np.testing.assert_allclose(there[i], np.sign(above) * np.log1p(abs(above)), rtol=1e-5)


def test_slopes_and_levels_among_the_paths_are_where_they_are_said_to_be():
    """Of a constant step upwards, paths named slopes rise with the step ahead; those named levels stay."""
    panel, spec = Panel.from_arrays([np.arange(-20.0, 60.0)]), InputSpec()
    _, paths = Inputs(panel, spec).steps(np.array([79]), K)
    for i, feature in enumerate(path_features(spec)):
        rise = np.diff(paths[0, :, i])
        assert (rise > 0).all() == feature.name.startswith("slope"), feature
