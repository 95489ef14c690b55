"""Importing the package and asking for help are instant, because nothing heavy is loaded."""

HEAVY = {
    "matplotlib",
    "onnx",
    "onnxruntime",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
    "sqlalchemy",
    "statsmodels",
    "torch",
}


def test_importing_the_package_loads_nothing_heavy(fresh):
    """`import foregate` loads no library outside the standard one."""
    assert not fresh("import foregate; dir(foregate); foregate.__version__") & (HEAVY | {"numpy", "rich", "typer"})


def test_help_loads_nothing_heavy(fresh):
    """`foregate --help` loads no library of numbers, frames or networks."""
    code = """
import sys
from foregate.cli import main
sys.argv = ["foregate", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert not fresh(code) & (HEAVY | {"numpy"})


def test_a_name_is_looked_up_once(fresh):
    """After its first use a public name is an ordinary attribute, and an unknown one is an ordinary error."""
    fresh("import foregate as f; assert f.Panel is f.Panel; assert 'Panel' in vars(f)")
    fresh("import foregate as f; assert not hasattr(f, 'panel')")
