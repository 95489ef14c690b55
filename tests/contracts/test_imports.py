"""What may be loaded by merely importing a module, checked where it counts: in a fresh interpreter."""

import pytest

from tests.house import modules

MAKES_NETWORKS = (
    "foregate.inspection.cells",
    "foregate.inspection.flow",
    "foregate.inspection.integrated",
    "foregate.inspection.replayed",
    "foregate.models",
    "foregate.training",
    "foregate.pipeline.attention",
    "foregate.pipeline.fit",
    "foregate.pipeline.judge",
    "foregate.pipeline.member",
    "foregate.pipeline.pretraining",
    "foregate.pipeline.warm",
    "foregate.persistence.runs",
)
"""What may load torch when imported; everything else names it inside functions, if at all."""
CHOICES = [f"foregate.models.{name}" for name in ("architecture", "cell_spec", "names", "options", "spec")]
"""What describes networks to those who only choose, in plain values."""
OPTIONAL = {"matplotlib", "onnx", "optuna", "pandas", "prophet", "scipy", "sqlalchemy", "statsforecast", "statsmodels"}
TABLES = {"holidays", "narwhals", "polars", "torch", "utilsforecast"}
SERVICE = "foregate.service"


def import_without(fresh, names, forbidden):
    """Import the modules one after the other; fail with those that load something forbidden, and what."""
    code = f"""
import importlib, sys
found = []
for name in {names!r}:
    before = set(sys.modules)
    importlib.import_module(name)
    new = set(sys.modules) - before
    found += [f"{{name}} loads {{library}}" for library in {sorted(forbidden)!r} if library in new]
assert not found, found
"""
    fresh(code)


def test_core_is_numpy_only(fresh):
    """The modules of core load no library but numpy."""
    names = [name for name in modules() if name.startswith("foregate.core")]
    import_without(fresh, names, OPTIONAL | {"narwhals", "onnxruntime", "polars", "rich", "torch", "typer"})


def test_only_what_makes_networks_loads_torch(fresh):
    """All other modules can be imported together without torch, tables or anything optional: a model runs without."""
    names = [name for name in modules() if not name.startswith((*MAKES_NETWORKS, SERVICE))]
    import_without(fresh, names, OPTIONAL | TABLES)


def test_the_service_loads_neither_torch_nor_tables(fresh):
    """What serves stands on its own libraries, and on nothing that trains or reads tables."""
    names = [name for name in modules() if name.startswith(SERVICE)]
    import_without(fresh, names, (OPTIONAL | TABLES) - {"sqlalchemy"})


def test_choices_about_networks_need_no_torch(fresh):
    """What can be chosen about networks can be listed, and checked, without loading torch."""
    import_without(fresh, CHOICES, {"torch"})


def test_what_makes_networks_waits_with_the_rest(fresh):
    """Training loads torch, but nothing else that is optional, when it is imported."""
    import_without(fresh, [name for name in modules() if name.startswith(MAKES_NETWORKS)], OPTIONAL)


def test_a_heavy_import_is_noticed(fresh):
    """The check itself can fail."""
    with pytest.raises(AssertionError, match=r"foregate\.core loads numpy"):
        import_without(fresh, ["foregate.core"], {"numpy"})
