"""What may be loaded by merely importing a module, checked where it counts: in a fresh interpreter."""

from tests.house import modules

MAY_LOAD_TORCH = ("foregate.models", "foregate.training")
NEVER_ON_IMPORT = {"holidays", "matplotlib", "onnx", "pandas", "scipy", "sqlalchemy", "statsforecast", "statsmodels"}


def importing(names):
    """Code that imports the modules."""
    return "\n".join(f"import {name}" for name in names)


def test_core_is_numpy_only(fresh):
    """The modules of core load no library but numpy."""
    loaded = fresh(importing(["foregate.core"]))
    assert not loaded & {"narwhals", "onnxruntime", "polars", "rich", "torch", "typer", *NEVER_ON_IMPORT}


def test_only_models_and_training_load_torch(fresh):
    """All other modules can be imported together without torch: a model runs on the base install."""
    names = [name for name in modules() if not name.startswith(MAY_LOAD_TORCH)]
    assert "torch" not in fresh(importing(names))


def test_optional_libraries_wait_for_their_use(fresh):
    """No module outside models and training loads an optional library, or pandas, on being imported."""
    names = [name for name in modules() if not name.startswith(MAY_LOAD_TORCH)]
    assert not fresh(importing(names)) & NEVER_ON_IMPORT
