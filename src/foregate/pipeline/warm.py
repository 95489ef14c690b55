"""Going on with the networks of a fitted model: nothing that was asked for may be dropped on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import torch

from foregate.core import DataError, Panel, UsageError, listed
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.fitted import Fitted
from foregate.models.architecture import Architecture
from foregate.models.network import Network, make_network
from foregate.models.options import CALLED, ModelOptions
from foregate.pipeline.plan import planned_kinds
from foregate.pipeline.prepare import season_pair, shown_seasons
from foregate.pipeline.recipe import Recipe
from foregate.training.engine import TorchEngine

__all__ = ["networks_of"]

Difference = tuple[str, Any, Any]
"""What it is called, what is asked for, and what there is."""

AS_THEY_ARE = ("dropout", "forget")
"""What `_other_parts` has an eye of its own on."""


def networks_of(warm: Fitted, recipe: Recipe, panel: Panel) -> tuple[Network, ...]:
    """The networks of a model that is trained on, under the dropout that the recipe asks for.

    Sizes, seasons and members that the recipe does not name are those that there are, and so is the first bias of a
    forget gate, which has been trained since.

    Args:
        warm: run by torch.
        recipe: of the new run.
        panel: that is trained on.

    Raises:
        DataError: the panel has covariates that the model does not read.
        UsageError: the recipe asks for something else than there is, or another library runs it.
    """
    engines = warm.engine.engines if isinstance(warm.engine, Ensemble) else (warm.engine,)
    networks = tuple(engine.network for engine in engines if isinstance(engine, TorchEngine))
    if len(networks) != len(engines):
        raise UsageError(
            "a model that is trained on must be run by torch, but got another. Load it with runtime='torch'."
        )
    plans = [replace(recipe, model=_planned(recipe.model, network)) for network in networks]
    others = list(dict.fromkeys(each for own in zip(networks, plans, strict=True) for each in _others(warm, *own)))
    if recipe.members not in (None, len(networks)):
        others.append(("members", recipe.members, len(networks)))
    if others:
        listing = ", ".join(f"{name}={new!r} instead of {own!r}" for name, new, own in others)
        raise UsageError(
            f"a warm start must go on with the model that there is, but got {listing}. Ask for the same, or fit anew."
        )
    unread = sorted(set(panel.covariates) - {column.name for column in warm.spec.columns})
    if unread:
        raise DataError(
            f"a warm start must have the covariates that the model reads, but got {listed(unread)} as well. Leave "
            "these out, or fit anew."
        )
    return tuple(_dropping(network, recipe) for network in networks)


def _planned(model: ModelOptions, network: Network) -> ModelOptions:
    """The one of the usual network's kinds that this one is, where the usual is asked for; else what is asked for."""
    kinds = planned_kinds(model) if model.is_pretrained else (model,)
    own = network.spec.built
    return next((kind for kind in kinds if (kind.encoder, kind.head) == (own.encoder, own.head)), model)


def _others(warm: Fitted, network: Network, recipe: Recipe) -> Iterator[Difference]:
    """What the recipe says otherwise than a network is."""
    spec, told = network.spec, warm.spec
    for name, asked, own in (
        ("hidden", recipe.hidden, spec.hidden),
        ("decoder", recipe.decoder, spec.decoder),
        ("layers", recipe.layers, spec.built.layers),
    ):
        if asked not in (None, own):
            yield name, asked, own
    if recipe.recent not in (Recipe.recent, told.recent):
        yield "recent", recipe.recent, told.recent
    if recipe.clock not in (None, bool(told.clock)):
        yield "clock", recipe.clock, bool(told.clock)
    said = recipe.season_length
    if said is not None and season_pair(said) != told.seasons:
        yield "season_length", said, shown_seasons(told.seasons)
    yield from _other_parts(spec.built, recipe, told.seasons)


def _other_parts(own: Architecture, recipe: Recipe, seasons: tuple[int, int]) -> Iterator[Difference]:
    model = recipe.model
    if model.dilations is not None and model.dilations != own.dilations:
        yield "dilations", model.dilations, own.dilations
        model = replace(model, dilations=None)
    asked = model.resolve(own.layers if model.dilations is None else None, seasons, recipe.horizon)
    for name in (each.name for each in fields(own) if each.name not in AS_THEY_ARE):
        if getattr(asked, name) != getattr(own, name) and not (name == "dilations" and recipe.model.dilations):
            yield CALLED.get(name, name), getattr(asked, name), getattr(own, name)
    if model.forget not in (ModelOptions().forget, own.forget):
        yield "forget", model.forget, own.forget


def _dropping(network: Network, recipe: Recipe) -> Network:
    """The same weights under the dropout of the recipe, which has none of its own."""
    spec = network.spec
    if spec.built.dropout == recipe.model.dropout:
        return network
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
        made = make_network(replace(spec, built=replace(spec.built, dropout=recipe.model.dropout)))
    made.load_state_dict(network.state_dict())
    return made
