"""RNN, GRU and LSTM of equal size beside one another, as they begin and as they are after training."""

from __future__ import annotations

from dataclasses import replace

from foregate.data.inputs import InputSpec
from foregate.forecasting.fitted import Fitted
from foregate.inspection.flow import flow
from foregate.inspection.gradients import MOST_LAGS, PartGradients
from foregate.inspection.subject import Part, Subject
from foregate.models.cell_spec import CellKind
from foregate.models.network import One
from foregate.models.options import ModelOptions
from foregate.pipeline.fit import fit
from foregate.pipeline.member import new_network
from foregate.pipeline.recipe import Recipe
from foregate.training.engine import TorchEngine

__all__ = ["COMPARED", "compared_cells"]

COMPARED: dict[CellKind, str] = {"rnn-tanh": "RNN", "gru": "GRU", "lstm": "LSTM"}
"""The cells, and what they are called."""


def compared_cells(subject: Subject, steps: int, seed: int = 0) -> tuple[PartGradients, ...]:
    """Gradients by lag of networks that differ in nothing but their cell: stacked layers, as many units.

    The size is that of the model's first network. All begin with random weights and are trained on its panel.

    Args:
        subject: whose series are read.
        steps: of training; 0 for none, which leaves out what there would be after it.
        seed: of the first weights and the training.
    """
    like = subject.parts[0].network.spec
    panel = subject.probed()
    origins, furthest = subject.origins(panel), min(subject.lags, MOST_LAGS)
    begun, done = [], []
    for kind, name in COMPARED.items():
        recipe = Recipe(
            subject.fitted.horizon,
            subject.seasons,
            start="scratch",
            model=ModelOptions(cell=kind, encoder="stacked"),
            hidden=like.hidden,
            layers=like.built.layers,
            decoder=like.decoder,
            steps=max(1, steps),
            members=1,
            seed=seed,
            clock=False,
        )
        spec = InputSpec(subject.fitted.spec.seasons, recipe.recent)
        untrained = replace(subject.fitted, engine=TorchEngine(new_network(recipe, spec)), spec=spec)
        begun.append((f"{name}, untrained", untrained))
        if steps:
            done.append((f"{name}, trained", fit(recipe, replace(subject.shown(), covariates={}))[0]))
    found = []
    for name, fitted in (*begun, *done):
        norms = flow(Part(name, _network(fitted)), fitted, panel, origins, furthest)
        found.append(PartGradients(name, norms.inputs, norms.states))
    return tuple(found)


def _network(fitted: Fitted) -> One:
    assert isinstance(fitted.engine, TorchEngine)
    assert isinstance(fitted.engine.network, One)  # neither an ensemble nor a network per step was asked for
    return fitted.engine.network
