"""Options of a run refuse contradictions."""

import json
import math
from dataclasses import asdict

import pytest

from foregate.core import UsageError
from foregate.training.options import TrainingOptions


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1, but got 0"),
        ({"batch": 0}, "batch must be a whole number of at least 1"),
        ({"crop": -3}, "crop must be a whole number of at least 1"),
        ({"origins": 0}, "origins must be a whole number of at least 1"),
        ({"checks": 0}, "checks must be a whole number of at least 1"),
        ({"patience": 0}, "patience must be a whole number of at least 1"),
        ({"rate": 0.0}, "rate must be between 0 and 1"),
        ({"rate": 1.0}, "rate must be between 0 and 1"),
        ({"averaging": 1.0}, "averaging must be from 0 up to"),
        ({"seed": -1}, "seed must be a whole number of at least 0, but got -1"),
        ({"decay": -1e-4}, "decay must be 0 or more, but got -0.0001"),
        ({"clip": -1.0}, "clip must be 0 or more, but got -1.0. Give 0 to do without it"),
        ({"clip": math.nan}, "clip must be 0 or more, but got nan"),
        ({"clip_value": math.inf}, "clip_value must be 0 or more, but got inf"),
        ({"l1": -1.0}, "l1 must be 0 or more"),
        ({"warm_up": 1.0}, "warm_up must be from 0 up to"),
        ({"keep": "first"}, "keep must be best or last, but got 'first'"),
        ({"precision": "int8"}, "precision must be auto or float32 or bfloat16, but got 'int8'"),
        ({"schedule": "sine"}, "schedule must be cosine or constant or step or one-cycle or plateau, but got 'sine'"),
        ({"schedule_options": {"every": 0.1}}, "must be among last for schedule='cosine', but got 'every'"),
        ({"schedule": "constant", "schedule_options": {"last": 0.1}}, "must be empty for schedule='constant'"),
        ({"schedule": "step", "schedule_options": {"every": 0.0}}, "every of the schedule must be above 0"),
        ({"schedule": "step", "schedule_options": {"factor": 2.0}}, "factor of the schedule must be .* at most 1"),
        ({"schedule": "plateau", "schedule_options": {"wait": 1.5}}, "wait of the schedule must be a whole number"),
        ({"schedule": "plateau", "patience": 2}, "wait of the schedule must be less than the patience of 2 checks"),
        ({"rate": "high"}, "rate must be a number, but got 'high'"),
        ({"clip": True}, "clip must be a number, but got True"),
        ({"patience": 2.5}, "patience must be a whole number of at least 1, but got 2.5"),
        ({"device": None}, "device must be a name, but got None"),
        ({"schedule_options": {"last": "low"}}, "last of the schedule must be a number, but got 'low'"),
        ({"schedule_options": ["last"]}, "schedule_options must be a dict from names to values"),
        ({"scale_power": math.nan}, "scale_power must be from -4 to 4, but got nan. Give"),
        ({"scale_power": math.inf}, "scale_power must be from -4 to 4, but got inf. Give"),
        ({"stateful": "yes"}, "stateful must be True or False, but got 'yes'"),
        ({"every_step": 3}, "every_step must be True or False, but got 3"),
        ({"precision": []}, r"precision must be auto or float32 or bfloat16, but got \[\]. Choose"),
        ({"optimizer": ""}, "optimizer must be a name, but got ''"),
        ({"optimizer_options": {"lr": 0.1}}, "must not name lr, but got 0.1. Give rate instead"),
        ({"optimizer_options": {"weight_decay": 0.1}}, "must not name weight_decay, .* Give decay instead"),
        ({"optimizer_options": {"betas": {}}}, "must hold numbers, texts, or tuples of them, but got {} for betas"),
    ],
)
def test_impossible_options_are_refused(wrong, message):
    """The message names the option and what it got."""
    with pytest.raises(UsageError, match=message):
        TrainingOptions(**{"steps": 10, **wrong})


@pytest.mark.parametrize(("steps", "checks", "every"), [(100, 20, 5), (19, 20, 1), (1, 1, 1), (45, 20, 2)])
def test_checks_are_spread_over_the_run(steps, checks, every):
    """There are at least as many checks as asked for, where there are steps enough, and never more than steps."""
    assert TrainingOptions(steps=steps, checks=checks).check_every == every


def test_options_are_the_same_from_json():
    """Saved and read again they are equal, tuples too."""
    options = TrainingOptions(10, optimizer_options={"betas": (0.8, 0.9)}, schedule_options={"last": 0.5})
    assert TrainingOptions(**json.loads(json.dumps(asdict(options)))) == options
