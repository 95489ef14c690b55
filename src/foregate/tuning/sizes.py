"""Sizes of the network and of a step of training, from the size of the data.

What a fit decides for itself (`foregate.pipeline.plan`) is the base, and was measured; a suggestion is the same or says
why not. It differs in two cases. A small panel and a network from scratch: nothing of it was learnt elsewhere, and what
can be held out is too little for stopping early to do all. And a learning rate that a range test speaks against by more
than the factor of ten that such a test is good for.
"""

from __future__ import annotations

from dataclasses import dataclass

from foregate.core import Panel
from foregate.models.spec import NetworkSpec
from foregate.pipeline.plan import plan_training
from foregate.pipeline.recipe import Recipe
from foregate.pipeline.start import Start
from foregate.tuning.rates import RateCurve

__all__ = ["Setting", "differing", "settings_of"]

LARGE = 5_000
"""Observed values from which on a network from scratch has the usual size."""
SMALL = 1_000
"""Observed values below which it is smallest."""
WIDTHS = {"small": (24, 1, 24), "middling": (48, 2, 48)}
"""Units of a layer, layers and width of the decoder below these."""
DROPPED = 0.1
"""Share that is dropped between layers there."""
FACTOR = 10
"""A range test is right within this factor."""


@dataclass(frozen=True)
class Setting:
    """A setting that is suggested."""

    name: str
    """As `foregate.Recipe` or `foregate.ModelOptions` has it."""
    value: float | int
    """What is suggested."""
    default: float | int
    """What a fit decides by itself."""
    reason: str
    """Why."""

    @property
    def differs(self) -> bool:
        """Whether it is something else than what a fit decides."""
        return self.value != self.default


def settings_of(
    recipe: Recipe, panel: Panel, seasons: tuple[int, ...], start: Start | None, rates: RateCurve | None
) -> tuple[Setting, ...]:
    """Hidden size, layers, dropout, batch, crop, steps and learning rate for a panel.

    Args:
        recipe: what is to be made.
        panel: what it is to learn from.
        seasons: their lengths, shortest first; none for no season.
        start: the pretrained weights that it begins with; None for random ones.
        rates: of a range test; None without one.
    """
    options = plan_training(recipe, panel, (*seasons, 1, 1)[:2], pretrained=start is not None)  # type: ignore[arg-type]
    sizes = _from_scratch(recipe, panel) if start is None else _of_weights(start)
    crop = f"two long seasons within bounds, and no longer than the {int(panel.lengths.max()):,} rows of a series"
    read = f"so that a step reads about 16,000 rows, {options.crop} of each crop"
    grows = f"grows with the fourth root of the {int(panel.mask.sum()):,} observed values"
    return (
        *sizes,
        Setting("crop", options.crop, options.crop, crop),
        Setting("batch", options.batch, options.batch, read),
        Setting("steps", options.steps, options.steps, f"{grows}; validation ends it earlier"),
        _rate(options.rate, rates, pretrained=start is not None),
    )


def differing(settings: tuple[Setting, ...]) -> dict[str, float | int]:
    """Name -> value of the settings that differ from what a fit decides, dropout left out, which is the model's."""
    return {each.name: each.value for each in settings if each.differs and each.name != "dropout"}


def _of_weights(start: Start) -> tuple[Setting, ...]:
    why = f"that of the pretrained weights {start.name!r}"
    shape = start.shape
    sizes = {"hidden": shape.hidden, "layers": shape.built.layers, "decoder": shape.decoder}
    learnt = "the weights come trained, are stopped early, and blended with what they were"
    return (*(Setting(name, size, size, why) for name, size in sizes.items()), Setting("dropout", 0, 0, learnt))


def _from_scratch(recipe: Recipe, panel: Panel) -> tuple[Setting, ...]:
    observed, series = int(panel.mask.sum()), len(panel)
    usual = {
        "hidden": recipe.hidden or NetworkSpec.hidden,
        "layers": recipe.layers or 2,
        "decoder": recipe.decoder or NetworkSpec.decoder,
    }
    values = f"{observed:,} values of {series:,} series"
    if observed >= LARGE:
        why = f"the usual one: {values} are enough for it"
        same = (Setting(name, size, size, why) for name, size in usual.items())
        return (*same, Setting("dropout", 0, 0, "stopping early does as much, where enough can be held out"))
    small = WIDTHS["small" if observed < SMALL else "middling"]
    why = f"{values} are few for a network from scratch, which learns nothing elsewhere (a rule of thumb)"
    sizes = (Setting(name, min(size, own), own, why) for size, (name, own) in zip(small, usual.items(), strict=True))
    return (*sizes, Setting("dropout", DROPPED, 0, f"{values} can be learnt by heart (a rule of thumb)"))


def _rate(default: float, curve: RateCurve | None, *, pretrained: bool) -> Setting:
    usual = f"the usual one {'for pretrained weights' if pretrained else 'from scratch'}"
    if curve is None:
        return Setting("rate", default, default, f"{usual}; no range test was made")
    if curve.suggestion is None:
        return Setting("rate", default, default, f"{usual}; in the range test the loss neither fell nor rose")
    found = float(f"{curve.suggestion:.1e}")
    seen = "the loss falls fastest" if curve.fell else "the loss has not begun to rise"
    if curve.ceiling is not None and default >= curve.ceiling:
        return Setting("rate", found, default, f"at {found:g} {seen}, and at {curve.ceiling:.1e} it rises")
    if found / FACTOR <= default <= found * FACTOR:
        near = f"{usual}; in the range test {seen} at {found:g}, which is as near as such a test can tell"
        return Setting("rate", default, default, near)
    return Setting("rate", found, default, f"in the range test {seen} at {found:g}, far from the usual rate")
