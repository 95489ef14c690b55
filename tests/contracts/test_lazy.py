"""Importing the package and asking for help are instant, because nothing heavy is loaded."""

from foregate import Forecaster
from foregate.data import generate

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


def test_choosing_the_usual_optimizers_loads_no_torch(fresh):
    """A forecaster that is to be trained is made in no time; torch comes with the fit."""
    code = """
from foregate import Forecaster
for name in ("adamw", "adam", "sgd"):
    Forecaster(5, model="gru+additive", options={"training": {"optimizer": name, "schedule": "plateau"}})
"""
    assert "torch" not in fresh(code)


def test_an_instant_forecast_needs_no_torch(fresh):
    """Without it a table is forecast, an instant model fitted, saved, loaded and backtested; training is refused."""
    code = """
import sys
for name in ("torch", "onnx", "scipy", "statsmodels", "utilsforecast", "matplotlib", "pandas"):
    sys.modules[name] = None
from datetime import date, timedelta
import foregate, polars as pl
days = [date(2024, 1, 1) + timedelta(i) for i in range(60)]
table = pl.DataFrame({"ds": days, "y": [float(i % 7) for i in range(60)]})
said = foregate.Forecaster.pretrained(5).predict(table, level=[80])
model = foregate.Forecaster(5, effort="instant").fit(table)
model.save("instant")
assert foregate.load("instant").predict(level=[80]).equals(said)
foregate.backtest(model, table)
try:
    foregate.Forecaster(5).fit(table)
except foregate.MissingExtraError as error:
    assert "foregate[train]" in str(error)
else:
    raise AssertionError
"""
    fresh(code)


def test_an_instant_forecast_is_printed_without_torch(fresh):
    """From the command line as well, and neither torch nor matplotlib is loaded where they are installed."""
    code = """
import sys
from foregate.cli import main
with open("table.csv", "w") as file:
    file.write("t,y\\n" + "".join(f"{i},{i % 5}\\n" for i in range(40)))
sys.argv = ["foregate", "forecast", "table.csv", "--time-col", "t", "--horizon", "3", "--effort", "instant"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert not fresh(code) & {"matplotlib", "onnx", "pandas", "scipy", "statsmodels", "torch"}


def test_a_live_forecast_needs_arrays_alone(fresh, tmp_path):
    """A saved model is loaded, streams and goes from a snapshot on without torch or tables, and loads neither."""
    Forecaster.pretrained(4, season_length=6).fit(generate(2, 60)).save(tmp_path / "model")
    code = f"""
import sys
for name in ("matplotlib", "narwhals", "onnx", "pandas", "polars", "rich", "scipy", "torch", "typer"):
    sys.modules[name] = None
import foregate
model = foregate.load({str(tmp_path / "model")!r}, runtime="onnx")
live = model.live()
when = live.expected()[0]
live.update({{"unique_id": live.ids[0], "ds": when, "y": 1.0}})
said = foregate.Live.restore(model.fitted_, live.snapshot()).forecast(level=[80])
assert said.values.shape == (2, 4, 3)
assert model.forecast(level=[80]).values.shape == (2, 4, 3)
"""
    fresh(code)
