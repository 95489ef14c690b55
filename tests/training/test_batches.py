"""Laws of batches."""

from dataclasses import fields, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Covariate, Panel
from foregate.data.columns import fit_columns
from foregate.data.inputs import Inputs, InputSpec
from foregate.training import batches as module
from foregate.training.batches import Crops
from foregate.training.options import TrainingOptions

SPEC = InputSpec((3, 1), recent=4, window=50)


class Rows(Inputs):
    """Inputs that say where they were asked: features carry row numbers, and targets the rows that they are of."""

    def features(self, rows):
        return np.repeat(rows[..., None], self.spec.n_features, -1).astype(np.float32)

    def targets(self, rows, k):
        _, there = super().targets(rows, k)
        return np.where(there, rows[..., None] + k, 0).astype(np.float32), there


def wavy(lengths, *, missing=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return Panel.from_arrays([np.where(rng.random(n) < missing, np.nan, rng.normal(5, 1, n)) for n in lengths])


def crops_of(panel, limits=None, *, horizon=4, kind=Rows, **options):
    """Crops with a small batch."""
    sizes = {"steps": 5, "batch": 16, "crop": 10, "origins": 6, **options}
    limits = panel.lengths if limits is None else np.asarray(limits)
    return Crops(kind(panel, SPEC), limits, horizon, TrainingOptions(**sizes))


def assert_same_bits(one, other):
    for each in fields(one):
        np.testing.assert_array_equal(getattr(one, each.name), getattr(other, each.name), err_msg=each.name)


panels = st.builds(
    wavy,
    st.lists(st.integers(1, 40), min_size=0, max_size=4).map(lambda some: [15, *some]),
    missing=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 99),
)


@given(panels, st.integers(0, 1000), st.integers(1, 30), st.integers(1, 12), st.data())
def test_nothing_beyond_the_limit_is_used(panel, step, crop, horizon, data):
    """Rows that are read, origins and targets all lie inside the part of their series that may be used."""
    limits = np.array([data.draw(st.integers(min(int(n), 12), int(n))) for n in panel.lengths])
    crops = crops_of(panel, limits, horizon=horizon, crop=crop)
    batch = crops.draw(step)
    read = batch.features[..., 0].astype(int)
    series = panel.row_series[read.max(1)]
    begin, stop = panel.offsets[series], panel.offsets[series] + limits[series]
    assert np.all((read == -1) | ((read >= begin[:, None]) & (read < stop[:, None])))
    assert read.shape[1] <= crop
    b = np.arange(len(read))[:, None]
    origin = read[b, batch.column]
    np.testing.assert_array_equal(batch.origin_features[..., 0], origin)
    assert np.all(origin >= begin[:, None]), "origins are rows of the series, not padding"
    counted = batch.weight > 0
    target = batch.target.astype(int)
    ahead = (target - origin[..., None])[counted]
    assert np.all(target[counted] < np.broadcast_to(stop[:, None, None], target.shape)[counted])
    assert np.all((ahead >= 1) & (ahead <= horizon))
    assert np.all(panel.mask[target[counted]])


@given(panels, st.integers(0, 1000))
def test_targets_are_those_of_their_step(panel, step):
    """Where the target is its row number, step k of an origin is for the row k after it."""
    batch = crops_of(panel, horizon=5).draw(step)
    expected = batch.origin_features[..., :1] + np.arange(1, 6)
    counted = batch.weight > 0
    np.testing.assert_array_equal(batch.target[counted], expected[counted])


@given(panels, st.integers(0, 1000))
def test_a_crop_is_a_run_of_rows(panel, step):
    """What the encoder reads is one row after the other, and only padding behind."""
    read = crops_of(panel).draw(step).features[..., 0]
    for row in read:
        there = row[row >= 0]
        np.testing.assert_array_equal(there, there[0] + np.arange(len(there)))
        assert np.all(row[len(there) :] == -1)


@given(panels, st.integers(0, 1000))
def test_rows_that_are_held_out_change_nothing(panel, step):
    """Change everything beyond the limits: the batch of any step stays to the bit."""
    limits = np.minimum(panel.lengths, np.maximum(12, panel.lengths - 5))
    later = np.arange(len(panel.values)) - panel.offsets[panel.row_series] >= limits[panel.row_series]
    changed = replace(panel, values=np.where(later, 1e5, panel.values).astype(np.float32), mask=panel.mask | later)
    one, other = (crops_of(each, limits, kind=Inputs).draw(step) for each in (panel, changed))
    known = one.weight > 0
    np.testing.assert_array_equal(known, other.weight > 0)
    assert_same_bits(
        replace(one, target=np.where(known, one.target, 0)), replace(other, target=np.where(known, other.target, 0))
    )


def test_the_same_step_is_the_same_batch():
    """A step's batch does not depend on what was drawn before, only on the step and the seed."""
    panel = wavy((30, 50, 12))
    crops = crops_of(panel, kind=Inputs)
    first = crops.draw(7)
    crops.draw(8)
    assert_same_bits(first, crops.draw(7))
    assert_same_bits(first, crops_of(panel, kind=Inputs).draw(7))
    assert all(not np.array_equal(first.features, crops.draw(step).features) for step in (0, 6, 8))
    assert not np.array_equal(first.features, crops_of(panel, kind=Inputs, seed=1).draw(7).features)


def test_every_origin_is_drawn():
    """Over many steps every row with a later one is an origin, the newest and the oldest included."""
    panel = wavy((14, 9))
    crops = crops_of(panel, crop=5)
    drawn = {int(row) for step in range(200) for row in crops.draw(step).origin_features[..., 0].ravel()}
    assert drawn == {*range(13), *range(14, 22)}


def test_series_without_two_observed_rows_are_left_out():
    """A series with nothing to forecast from, or nothing to forecast, is never drawn."""
    panel = Panel.from_arrays([np.arange(1.0, 12), np.array([1.0]), np.full(9, np.nan), np.r_[np.full(5, np.nan), 1.0]])
    crops = crops_of(panel)
    assert crops.usable.tolist() == [0]
    assert np.all(crops.draw(3).features[..., 0] < 11)


def test_long_horizons_are_learnt_a_part_at_a_time(monkeypatch):
    """Of a horizon longer than MOST_STEPS so many random steps are trained, each at its own place."""
    monkeypatch.setattr(module, "MOST_STEPS", 3)
    crops = crops_of(wavy((60,)), horizon=8)
    seen = set()
    for step in range(40):
        batch = crops.draw(step)
        k = batch.target - batch.origin_features[..., :1]
        assert batch.steps.shape[2] == batch.paths.shape[2] == batch.target.shape[2] == 3
        seen |= {int(each) for each in k[batch.weight > 0]}
    assert seen == set(range(1, 9))


def test_given_origins_are_those_asked_for():
    """`at` reads up to the last origin of each series, forecasts from those given, and -1 counts for nothing."""
    panel = wavy((30, 20, 25))
    crops = crops_of(panel, horizon=3, crop=6)
    origins = np.array([[20, 24, 26], [-1, 3, 5], [10, -1, 12]])
    batch = crops.at(np.array([0, 1, 2]), origins)
    begin = panel.offsets[:3, None]
    asked = origins >= 0
    np.testing.assert_array_equal(batch.origin_features[..., 0][asked], (begin + origins)[asked])
    assert not batch.weight[~asked].any()
    assert np.all(batch.weight[asked] > 0)
    read = batch.features[..., 0]
    np.testing.assert_array_equal(read.max(1), [26, 30 + 5, 50 + 12])
    assert read[0].min() == 20 - 5, "a whole crop stands before the first origin too"


def test_weights_are_for_the_relative_scale_and_against_outliers():
    """An origin weighs more where series change more, and less where its outcomes lie absurdly far off."""
    calm, rough = 100 + np.tile([0.0, 0.1], 20), 100 + np.tile([0.0, 30.0], 20)
    batch = crops_of(Panel.from_arrays([calm, rough]), kind=Inputs, batch=64, crop=40, scale_power=1.0).draw(0)
    assert batch.weight.max() > 20 * batch.weight[batch.weight > 0].min()
    flat = crops_of(Panel.from_arrays([calm, rough]), kind=Inputs, batch=64, crop=40, scale_power=0.0).draw(0)
    assert np.ptp(flat.weight[flat.weight > 0]) < 1e-5
    jump = np.r_[np.tile([0.0, 0.1], 10), np.full(4, 1e6)]
    weights = crops_of(Panel.from_arrays([-jump]), kind=Inputs, batch=64, crop=24, scale_power=0.0).draw(0)
    far = np.abs(weights.target).max(-1) > 1e3
    assert far.any()
    assert weights.weight[far].max() < 0.01 * weights.weight[~far].max()


def test_some_crops_are_read_as_if_their_category_were_unknown():
    """About one crop in twenty has the input of the unknown in place of its category, in all its rows and steps."""
    rng = np.random.default_rng(0)
    made = Panel.from_arrays([rng.normal(size=40) for _ in range(3)])
    kind = Covariate("static", np.array([0, 1, 2], np.float32), ("a", "b", "c"))
    promo = Covariate("future", rng.integers(0, 2, 120).astype(np.float32), ("no", "yes"))
    panel = replace(made, covariates={"kind": kind, "promo": promo})
    spec = InputSpec((7, 1), columns=fit_columns(panel))
    crops = Crops(Inputs(panel, spec), panel.lengths, 4, TrainingOptions(1, batch=400, crop=10))
    batch = crops.draw(0)
    told = batch.features[:, 0, -spec.encoder_width :]
    unknown = told[:, 3] == 1
    assert 5 < unknown.sum() < 50
    np.testing.assert_array_equal(told[:, :4].sum(1), 1)
    assert not told[unknown, :3].any()
    forgotten = told[:, 6] == 1
    steps = batch.steps[..., -9:]
    assert (steps[forgotten][..., 0:2] == 0).all()
    assert (steps[forgotten][..., 2] == 1).any()
    assert not steps[~forgotten][..., [2, 5, 8]].any()
    np.testing.assert_array_equal(batch.features, crops.draw(0).features)
    held = crops.at(np.arange(3), np.full((3, 1), 30))
    assert not held.features[..., -spec.encoder_width :][..., 3].any(), "what is judged is told as it is"


def test_rows_count_as_much_as_they_were_given():
    """A target weighs in proportion to the weight of its row; nothing else of a batch changes."""
    panel = wavy((30, 20))
    weights = np.random.default_rng(1).integers(0, 3, 50).astype(np.float32)
    options = TrainingOptions(steps=5, batch=16, crop=10, origins=6)
    plain, weighed = (
        Crops(Rows(panel, SPEC), panel.lengths, 4, options, weights=each).draw(3) for each in (None, weights)
    )
    np.testing.assert_array_equal(plain.target, weighed.target)
    counted = plain.weight > 0
    rows = plain.target[counted].astype(int)
    np.testing.assert_allclose(weighed.weight[counted], plain.weight[counted] * weights[rows], rtol=1e-6)
    prints = {
        Crops(Inputs(panel, SPEC), panel.lengths, 4, options, weights=each).fingerprint
        for each in (None, weights, 2 * weights)
    }
    assert len(prints) == 3


def test_origins_lie_every_so_many_rows():
    """With a stride, origins are rows of the series at a multiple of it, or the first that a crop has."""
    panel = wavy((40, 31))
    options = TrainingOptions(steps=5, batch=32, crop=12, origins=6)
    seen = set()
    for step in range(20):
        batch = Crops(Rows(panel, SPEC), panel.lengths, 3, options, stride=5).draw(step)
        row = batch.origin_features[..., 0].astype(int)
        place = row - panel.offsets[panel.row_series[row]]
        first = batch.column == 0
        seen |= {int(each) for each in place[~first] % 5}
        assert np.all(batch.column >= 0)
    assert len(seen) == 1, "one row in five, wherever the crop begins"


def test_all_steps_are_trained_where_they_are_written_one_after_the_other(monkeypatch):
    """Of a horizon longer than MOST_STEPS all steps from the first on, without a gap."""
    monkeypatch.setattr(module, "MOST_STEPS", 3)
    crops = crops_of(wavy((60,)), horizon=8, every_step=True)
    for step in range(3):
        assert crops.draw(step).k.tolist() == list(range(1, 9))


def test_targets_are_in_the_units_that_are_given():
    """What came is level + scale z, in the units that the series is read in."""
    y = np.random.default_rng(0).normal(0, 5, 40)
    panel = Panel.from_arrays([y])
    batch = crops_of(panel, kind=Inputs, horizon=3).draw(0)
    came = batch.level[..., None] + batch.scale[..., None] * batch.target
    said = np.array(came[batch.weight > 0], np.float64)
    assert np.abs(said[:, None] - y.astype(np.float32)).min(1).max() < 1e-4
    assert np.all(batch.scale > 0)
