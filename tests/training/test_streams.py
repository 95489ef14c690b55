"""Laws of training with the state carried from crop to crop."""

import numpy as np
import pytest
import torch

from foregate.core import Panel, UsageError
from foregate.data.inputs import Inputs, InputSpec
from foregate.models.architecture import Architecture
from foregate.models.network import make_network
from foregate.models.spec import NetworkSpec
from foregate.training.batches import Crops
from foregate.training.loop import batch_outputs, carried_loss, train
from foregate.training.options import TrainingOptions
from foregate.training.streams import Streams

SPEC = InputSpec((3, 1), recent=3, window=50)
OPTIONS = TrainingOptions(steps=9, batch=3, crop=16, origins=4, checks=3, stateful=True)
LENGTHS = (70, 33, 16)


def streams(options=OPTIONS):
    rng = np.random.default_rng(0)
    panel = Panel.from_arrays([10 + rng.normal(size=n).cumsum() for n in LENGTHS])
    return Streams(Crops(Inputs(panel, SPEC), panel.lengths, 2, options))


def network(**built):
    torch.manual_seed(0)
    levels = (0.1, 0.5, 0.9)
    shape = NetworkSpec(SPEC.n_features, SPEC.n_steps, SPEC.n_profiles, levels, 6, 5, Architecture(**built))
    return make_network(shape)


def test_a_stream_reads_every_row_of_a_series_in_order():
    """From its first crop to its last, a stream reads a series as it is, and then begins with another one."""
    source = streams()
    features = {
        n: source.crops.inputs.features(np.arange(b, b + n)) for b, n in zip((0, 70, 103), LENGTHS, strict=True)
    }
    read = [[] for _ in range(OPTIONS.batch)]
    whole = 0
    for step in range(20):
        batch = source.draw(step)
        for b, so_far in enumerate(read):
            if not batch.carry[b, 0] and so_far:
                joined = np.concatenate(so_far)
                whole += any(np.array_equal(joined[: len(all_)], all_) for all_ in features.values())
                so_far.clear()
            so_far.append(batch.features[b])
    assert whole >= 10


def test_a_batch_is_the_same_whenever_it_is_asked_for():
    """The batch of a step does not depend on what was drawn before it."""
    one, other = streams(), streams()
    for step in (7, 0, 3, 12, 3):
        for name, array in vars(other.draw(step)).items():
            np.testing.assert_array_equal(array, getattr(one.draw(step), name))


@pytest.mark.parametrize("built", [{}, {"cell": "gru", "encoder": "dilated", "dilations": (1, 3)}], ids=str)
def test_carried_on_is_read_at_once(built):
    """What the head is told of a second crop is what it would be told, had the first one been read before it."""
    source, made = streams(), network(**built).eval()
    longest = next(step for step in range(9) if source._at(0, step)[1] == 0)
    first, second = source.draw(longest), source.draw(longest + 1)
    assert second.carry[0, 0]
    with torch.inference_mode():
        _, after = batch_outputs(made, first)
        said, _ = batch_outputs(made, second, carried=after)
        fresh, _ = batch_outputs(made, second)
        both = torch.from_numpy(np.concatenate([first.features[:1], second.features[:1]], 1))
        columns = torch.from_numpy(second.column[:1] + first.features.shape[1])
        states, _ = made.encode(both, columns)
        alone, _ = made.encode(torch.from_numpy(second.features[:1]), torch.from_numpy(second.column[:1]), after[:1])
    torch.testing.assert_close(alone, states)
    assert not torch.allclose(said[: OPTIONS.origins], fresh[: OPTIONS.origins])


def test_what_gates_cost_goes_on_too():
    """The penalty is that of reading on from where the crop before has ended, and of nothing where a series begins."""
    source, made, seen = streams(), network().eval(), []
    made.penalty = lambda features, carried=None: seen.append(carried) or features.new_zeros(())
    step = next(step for step in range(1, 20) if len(set(source.draw(step).carry[:, 0])) == 2)
    batch, loud = source.draw(step), torch.full((OPTIONS.batch, made.carries), 9.0)
    carried_loss(made, batch, carried=loud)
    carried_loss(made, batch)
    assert torch.equal(seen[0], loud * torch.from_numpy(batch.carry))
    assert seen[1] is None


def test_a_new_series_begins_with_nothing():
    """Where a stream begins with another series, the state of the one before is not seen."""
    source, made = streams(), network().eval()
    step = next(step for step in range(1, 20) if not source.draw(step).carry[0, 0])
    batch = source.draw(step)
    with torch.inference_mode():
        loud = torch.full((OPTIONS.batch, made.carries), 9.0)
        said, fresh = (batch_outputs(made, batch, carried=each)[0][: OPTIONS.origins] for each in (loud, None))
    assert torch.equal(said, fresh)


def test_stopped_and_resumed_is_never_stopped(tmp_path):
    """The carried state is in the checkpoint: a run that was stopped ends with the same bits."""

    class PulledPlugError(Exception):
        pass

    def stop(event):
        if event.name == "step" and event.step == 5:
            raise PulledPlugError

    whole, parts = network(), network()
    train(whole, streams())
    with pytest.raises(PulledPlugError):
        train(parts, streams(), callbacks=[stop], checkpoint=tmp_path)
    parts = network()
    train(parts, streams(), checkpoint=tmp_path)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name


def test_changed_series_have_no_state_to_go_on_from():
    """A state of other values is refused in words."""
    from foregate.data.augment import Augment
    from foregate.pipeline.recipe import Recipe

    with pytest.raises(UsageError, match="training must not be stateful"):
        Recipe(3, training={"stateful": True}, augment=Augment(jitter=0.1))
