"""What can be chosen about recurrent layers, and what is refused."""

import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import UsageError
from foregate.models.cell_spec import CELLS, RETAINED, CellKind, Dropout, ForgetGate, ForgetPreset, checked_kind


def opened(bias):
    """σ(b), without overflow."""
    return 1 / (1 + math.exp(-bias)) if bias > -700 else 0.0


def test_names_of_cells_are_known():
    """Every listed name is one that the type allows and is accepted as it is, no other."""
    assert tuple(CELLS) == get_args(CellKind)
    assert tuple(RETAINED) == get_args(ForgetPreset)
    assert [checked_kind(kind) for kind in CELLS] == list(CELLS)
    with pytest.raises(UsageError, match="but got 'LSTM'"):
        checked_kind("LSTM")


@given(st.floats(0.05, 1e6))
def test_half_is_retained(steps):
    """A gate at its first bias, kept for retain_steps, leaves half of the memory."""
    bias = ForgetGate(retain_steps=steps).bias
    assert math.isclose(-steps * math.log1p(math.exp(-bias)), math.log(0.5), rel_tol=1e-9)


@given(st.floats(0.001, 1e6), st.floats(0.001, 1e6))
def test_longer_retention_is_a_larger_bias(one, other):
    """The bias rises with the steps that are to be retained."""
    if one < other:
        assert ForgetGate(retain_steps=one).bias <= ForgetGate(retain_steps=other).bias


def test_fifty_steps():
    """The forget gate for 50 steps gives 0.5 to the power of 50."""
    assert math.isclose(opened(ForgetGate(retain_steps=50).bias) ** 50, 0.5)


@pytest.mark.parametrize("preset", RETAINED)
def test_presets_are_retentions(preset):
    """A preset begins with the bias of its retention; the noisy one averages what it reads."""
    gate = ForgetGate(preset=preset)
    assert gate.bias == ForgetGate(retain_steps=RETAINED[preset]).bias
    assert gate.averages == (preset == "noisy")


def test_the_noisy_preset_averages_as_it_says():
    """An exponential average with the noisy preset's gate has 1/35 of the variance of white noise."""
    f = opened(ForgetGate(preset="noisy").bias)
    assert round((1 + f) / (1 - f)) == 35


def test_chrono_has_no_single_bias():
    """Every unit draws its own bias, and the input gate begins as the complement."""
    gate = ForgetGate(chrono=100)
    assert gate.bias is None
    assert gate.averages
    assert not ForgetGate(value=1.0).averages


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "exactly one of value, retain_steps, preset and chrono, but got none"),
        ({"value": 1.0, "chrono": 10}, "but got value and chrono. Leave the others out"),
        ({"retain_steps": 5, "preset": "long"}, "but got retain_steps and preset"),
        ({"value": math.inf}, "value must be a finite number"),
        ({"value": math.nan}, "value must be a finite number"),
        ({"retain_steps": 0}, "retain_steps must be a finite number above 0"),
        ({"retain_steps": math.inf}, "retain_steps must be"),
        ({"retain_steps": math.nan}, "retain_steps must be"),
        ({"preset": "medium"}, "preset must be one of 'long', 'short', 'noisy', but got 'medium'"),
        ({"chrono": 1}, "chrono must be a whole number of at least 2, but got 1"),
        ({"chrono": 2.5}, "chrono must be a whole number"),
        ({"value": 1.0, "within": (0.5, 0.9)}, "within and penalty must be given together"),
        ({"value": 1.0, "penalty": 0.1}, "within and penalty must be given together"),
        ({"value": 1.0, "within": (0.9, 0.5), "penalty": 0.1}, "two ascending numbers from 0 to 1"),
        ({"value": 1.0, "within": (0.5, 1.5), "penalty": 0.1}, "two ascending numbers from 0 to 1"),
        ({"value": 1.0, "within": (0.5, 0.9), "penalty": -0.1}, "penalty must be"),
        ({"value": 1.0, "within": (0.5, 0.9), "penalty": math.nan}, "penalty must be"),
    ],
)
def test_contradictions_are_refused(wrong, message):
    """One beginning, within bounds that exist, and a range together with its price."""
    with pytest.raises(UsageError, match=message):
        ForgetGate(**wrong)


@pytest.mark.parametrize("name", ["recurrent", "between", "output"])
@pytest.mark.parametrize("rate", [-0.1, 1.0, math.nan])
def test_impossible_dropout_is_refused(name, rate):
    """A rate is a share short of all."""
    with pytest.raises(UsageError, match=f"{name} must be from 0 up to, not including, 1"):
        Dropout(**{name: rate})
