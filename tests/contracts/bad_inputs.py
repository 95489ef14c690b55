"""The table of bad inputs: what is wrong, how to make it, and the exact message that it gets.

`make` puts what it needs into an empty folder and returns the source; ``{folder}`` in a message is that folder. A row
about something else than reading names its own `act`, which is given the source and the arguments.
"""

from __future__ import annotations

import functools
import gzip
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from foregate import Forecaster, backtest, load
from foregate.core import ArtifactError, DataError, ForegateError, NotFittedError, UsageError
from foregate.data import ReadOptions, read
from foregate.persistence import load_shipped, shipped_sizes

__all__ = ["BAD_INPUTS", "BadInput", "backtested", "fitted", "forecast", "loaded", "model"]


@dataclass(frozen=True)
class BadInput:
    """One thing that people get wrong."""

    name: str
    """A few words, unique in the table."""
    make: Callable[[Path], Any]
    """Makes the source in an empty folder."""
    message: str
    """What the error says, to the letter."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the call."""
    error: type[ForegateError] = DataError
    """What is raised."""
    act: Callable[..., Any] = read
    """What is called with the source and the arguments."""


def _file(name: str, content: str | bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def _csv(*lines: str) -> Callable[[Path], Path]:
    return _file("sales.csv", "\n".join(lines) + "\n")


def _frame(**columns: list[Any]) -> Callable[[Path], pl.DataFrame]:
    return lambda folder: pl.DataFrame(columns)


def _database(folder: Path) -> str:
    with sqlite3.connect(folder / "sales.db") as connection:
        connection.execute("create table sales (ds text, y real)")
    return f"sqlite:///{folder / 'sales.db'}"


def _small(**arguments: Any) -> Forecaster:
    small = {"horizon": 2, "options": {"steps": 1, "hidden": 4}, "verbose": False}
    return Forecaster(**(small | arguments))


def fitted(source: Any, **arguments: Any) -> Forecaster:
    """Fit a forecaster that was made with the arguments."""
    return _small(**arguments).fit(source)


def backtested(source: Any, horizon: int = 2, **arguments: Any) -> None:
    """Backtest a forecaster on the source."""
    backtest(_small(horizon=horizon), source, **arguments)


@functools.cache
def model(*, future: bool = False) -> Forecaster:
    """A forecaster of four days, which knows the price of the next days or not."""
    days = pl.DataFrame({"ds": [*_DAYS, "2024-01-04"], "y": [1.0, 2.0, 3.0, 4.0], "price": [1.0, 2.0, 3.0, 4.0]})
    return _small().fit(days, covariates={"price": "future"} if future else None)


def forecast(source: Any, **arguments: Any) -> None:
    """Forecast from the source with the model that knows no prices."""
    model().predict(source, **arguments)


def forecast_with(source: Any, **arguments: Any) -> None:
    """Forecast with the model that needs prices, which the source gives."""
    model(future=True).predict(future=source, **arguments)


def loaded(source: Path, **arguments: Any) -> None:
    """Load a model."""
    load(source, **arguments)


def _saved(change: Callable[[Path], object]) -> Callable[[Path], Path]:
    """A model in a folder, to which something was done."""

    def make(folder: Path) -> Path:
        model().save(folder / "model")
        change(folder / "model")
        return folder / "model"

    return make


_FIX_VALUES = "Correct these values, or leave them empty where nothing was observed."
_FIX_DATES = "Correct these values, or say how to read them: options=ReadOptions(date_format=…)."
_COMPLETELY = "Check that it was written completely."
_TINY = load_shipped("tiny")
_DAYS = ("2024-01-01", "2024-01-02", "2024-01-03")

BAD_INPUTS = [
    BadInput(
        "a file that is not there",
        lambda folder: _csv("ds,y")(folder).with_name("sale.csv"),
        "the source must be a file that exists, but '{folder}/sale.csv' does not. Did you mean 'sales.csv'?",
    ),
    BadInput(
        "a folder",
        lambda folder: folder,
        "the source must be a file, but '{folder.name}' is a folder. Name the file in it.",
    ),
    BadInput("an empty file", _file("a.csv", ""), f"'a.csv' must hold a table, but it is an empty file. {_COMPLETELY}"),
    BadInput(
        "blank lines only",
        _file("a.csv", "\n \n"),
        f"the file must hold a table, but got blank lines only. {_COMPLETELY}",
    ),
    BadInput(
        "no rows",
        _csv("ds,y"),
        f"sales.csv must hold at least one row, but it has the columns 'ds', 'y' and no rows. {_COMPLETELY}",
    ),
    BadInput(
        "no line of names",
        _csv("2024-01-01,3", "2024-01-02,4"),
        "the first line must name the columns, but got '2024-01-01', '3'. Add a first line with names, such as ds,y.",
    ),
    BadInput(
        "a column named twice in a file",
        _csv("ds,y,y", "2024-01-01,1,2"),
        "every column must have a name of its own, but 'y' is there more than once. Rename or remove one of them.",
    ),
    BadInput(
        "too many fields in a line",
        _csv("ds,y", "2024-01-01,1", "2024-01-02,2,3"),
        "every line must have 2 fields between commas like the first, but line 3 has 3. Correct the line, quote its "
        "text, or give the separator: options=ReadOptions(separator=…).",
    ),
    BadInput(
        "one column",
        _csv("y", "1", "2"),
        "sales.csv must have a column of times and a column of values, but it has only 'y'. Add the times, or give the "
        "separator: options=ReadOptions(separator=…).",
    ),
    BadInput(
        "a spreadsheet",
        _file("sales.xlsx", "PK"),
        "the source must be CSV, TSV (gzip too), Parquet, JSON or NDJSON, but got 'sales.xlsx'. "
        "Save it as one of these.",
    ),
    BadInput(
        "a broken gzip file",
        _file("sales.csv.gz", gzip.compress(b"ds,y\n1,2\n")[:-9]),
        "'sales.csv.gz' must be a whole gzip file, but got: Compressed file ended before the end-of-stream marker was "
        "reached. Copy it again.",
    ),
    BadInput(
        "the wrong encoding",
        _file("a.csv", "ds,y,town\n2024-01-01,1,Köln\n".encode("latin-1")),
        "the file must be written in ascii, but line 2 is not. Give its encoding: "
        "options=ReadOptions(encoding='latin-1').",
        {"options": ReadOptions(encoding="ascii")},
    ),
    BadInput(
        "JSON that breaks off",
        _file("a.json", '[{"ds": 1, "y": 2'),
        "'a.json' must be a table in JSON, but it cannot be read: Expecting ',' delimiter: line 1 column 18 (char 17). "
        "Check how it was written, or name its format: options=ReadOptions(format=…).",
    ),
    BadInput(
        "JSON that is no table",
        _file("a.json", "[1, 2]"),
        "a JSON table must be an array of records or an object of columns, but got something else. "
        'Write it like [{"ds": "2024-01-01", "y": 1.5}] or {"ds": ["2024-01-01"], "y": [1.5]}.',
    ),
    BadInput(
        "a list in a record",
        _file("a.json", json.dumps([{"ds": 1, "y": [2, 3]}])),
        "every field of 'a.json' must be one value, but 'y' holds lists or objects. Flatten them first.",
    ),
    BadInput(
        "a broken line of NDJSON",
        _file("a.ndjson", '{"ds": 1, "y": 2}\n{"ds": \n'),
        "every line must be one JSON record, but line 2 is not: Expecting value. Correct or remove the line.",
    ),
    BadInput(
        "text in the target",
        _csv("ds,y", "2024-01-01,1", "2024-01-02,closed", "2024-01-03,?"),
        f"column 'y' must hold numbers, but got 'closed' in row 2, '?' in row 3. {_FIX_VALUES}",
    ),
    BadInput(
        "infinity in the target",
        _csv("ds,y", "2024-01-01,1", "2024-01-02,-inf"),
        f"column 'y' must hold finite numbers, but got infinity in row 2. {_FIX_VALUES}",
    ),
    BadInput(
        "values beyond float32",
        _frame(ds=[1, 2], y=[1.0, 1e39]),
        "column 'y' must stay within ±3.4e38, but got 1e+39 in row 2. Divide the column by a power of ten.",
    ),
    BadInput(
        "no value at all",
        _csv("ds,y", "2024-01-01,", "2024-01-02,NA"),
        "column 'y' must hold at least one value, but all 2 rows are empty. Check that it is the target.",
    ),
    BadInput(
        "a comma of two meanings",
        _csv("ds;y", "2024-01-01;1,234", "2024-01-02;5,678"),
        "column 'y' must be readable in one way, but got values such as '1,234', where the comma may be a decimal or a "
        "thousands mark. Give options=ReadOptions(decimal=',') or options=ReadOptions(thousands=',').",
    ),
    BadInput(
        "day and month either way round",
        _csv("ds,y", "01/02/2024,1", "02/02/2024,2"),
        "column 'ds' must be readable in one way, but got dates such as '01/02/2024', '02/02/2024', where day and "
        "month may be either way round. Give options=ReadOptions(date_format='%d/%m/%Y') or "
        "options=ReadOptions(date_format='%m/%d/%Y').",
    ),
    BadInput(
        "a day that does not exist",
        _csv("ds,y", "2024-01-31,1", "2024-02-31,2"),
        f"column 'ds' must hold dates like '%Y-%m-%d' throughout, but got '2024-02-31' in row 2. {_FIX_DATES}",
    ),
    BadInput(
        "dates of two formats",
        _csv("ds,y", "2024-01-01,1", "02.01.2024,2", "2024-01-03,3"),
        f"column 'ds' must hold dates like '%Y-%m-%d' throughout, but got '02.01.2024' in row 2. {_FIX_DATES}",
    ),
    BadInput(
        "text where dates should be",
        _csv("ds,y", "monday,1", "tuesday,2"),
        "column 'ds' must hold dates, but got 'monday' in row 1. Name the column of times, time_col=…, or say how to "
        "read it: options=ReadOptions(date_format='%d/%m/%Y').",
    ),
    BadInput(
        "missing times",
        _frame(ds=[None, "2024-01-01", None], y=[1, 2, 3]),
        "column 'ds' must have a time in every row, but it is empty in rows 1, 3. Fill the times in, or leave these "
        "rows out.",
    ),
    BadInput(
        "missing ids",
        _csv("unique_id,ds,y", "a,2024-01-01,1", ",2024-01-01,2"),
        "column 'unique_id' must name a series in every row, but it is empty in row 2. Fill the ids in, or leave these "
        "rows out.",
    ),
    BadInput(
        "ids that are no names",
        _frame(unique_id=[0.5, 0.5], ds=[1, 2], y=[1, 2]),
        "column 'unique_id' must hold ids as text or whole numbers, but got values of type Float64. Convert them to "
        "text, or name another column: id_col=….",
    ),
    BadInput(
        "a column that is not there",
        _csv("date,units", "2024-01-01,1"),
        "target_col must be a column of the table, but got 'unit'; it has 'date', 'units'. Did you mean 'units'?",
        {"target_col": "unit"},
    ),
    BadInput(
        "two columns that could be the target",
        _csv("date,units,price", "2024-01-01,1,2"),
        "one column must hold the numbers to forecast, but 'units', 'price' all could. Name it: target_col='units'.",
    ),
    BadInput(
        "two columns of dates",
        _frame(sold=[*_DAYS], sent=[*_DAYS], y=[1, 2, 3]),
        "one column must hold the times, but 'sold', 'sent' all look like dates. Name it: time_col='sold'.",
    ),
    BadInput(
        "no column of dates",
        _frame(a=[1, 2], b=[3, 4]),
        "one column must hold the times, but none of 'a', 'b' looks like dates. Name it: time_col=….",
    ),
    BadInput(
        "an id column that nobody named",
        _frame(store=[1, 1, 2, 2], ds=[1, 2, 1, 2], y=[1, 2, 3, 4]),
        "times must be unique within a series, but 2 of 4 times in 'ds' repeat; 'store' could be it. "
        "Name it: id_col='store'.",
    ),
    BadInput(
        "a static column that varies",
        _frame(unique_id=["a", "a", "b"], ds=[1, 2, 1], y=[1, 2, 3], size=["S", "L", "S"]),
        "static column 'size' must be the same in all rows of a series, but it varies in 'a'. Correct it, or call it "
        "past or future: covariates={'size': 'past'}.",
        {"covariates": {"size": "static"}},
    ),
    BadInput(
        "a covariate with infinity",
        _frame(ds=[1, 2], y=[1, 2], price=[1.0, float("inf")]),
        "column 'price' must hold finite numbers within ±3.4e38, but got others in row 2. Correct these values, or "
        "leave them empty where nothing is known.",
        {"covariates": {"price": "past"}},
    ),
    BadInput(
        "a column with two roles",
        _frame(ds=[1, 2], y=[1, 2]),
        "a column must have one role, but 'y' got more than one. Name other columns.",
        {"target_col": "y", "covariates": {"y": "past"}},
        UsageError,
    ),
    BadInput(
        "a role that does not exist",
        _frame(ds=[1, 2], y=[1, 2], price=[1, 2]),
        "the role of covariate 'price' must be 'static', 'past' or 'future', but got 'known'. Say which of them it is.",
        {"covariates": {"price": "known"}},
        UsageError,
    ),
    BadInput(
        "a target for a wide table",
        _frame(ds=[1, 2], a=[1, 2], b=[1, 2]),
        "id_col, target_col and covariates must be left out with wide=True, where every column but the time is a "
        "series, but got one of them. Leave them out, or read a long table.",
        {"wide": True, "target_col": "a"},
        UsageError,
    ),
    BadInput(
        "an integer step for dates",
        _csv("ds,y", "2024-01-01,1", "2024-01-02,2"),
        "freq must be a step of the calendar where time is counted in dates, but got 1. Give for example freq='D', or "
        "leave it out to have it inferred.",
        {"freq": 1},
    ),
    BadInput(
        "a step of the calendar for integers",
        _frame(ds=[1, 2], y=[1, 2]),
        "freq must be an integer where time is counted in whole numbers, but got 'D' and column 'ds' holds numbers "
        "from 1 to 2. Give freq=1, or say how the numbers are to be read: options=ReadOptions(date_format=…) or "
        "options=ReadOptions(epoch='s').",
        {"freq": "D"},
    ),
    BadInput(
        "a frequency that does not exist",
        _frame(ds=[1, 2], y=[1, 2]),
        "freq must be one of 'h', '30min', 'D', 'B', 'W', 'MS', 'QS', 'YS' (pandas), '1h', '30m', '1mo' (polars) or an "
        "integer, but got 'fortnight'.",
        {"freq": "fortnight"},
        UsageError,
    ),
    BadInput(
        "something that is no table",
        lambda folder: 5,
        "source must be a path, an address, a database URL, a Panel, or a pandas, polars or pyarrow frame, but got a "
        "value of type int. Make a frame of it first.",
        error=UsageError,
    ),
    BadInput(
        "a database without a query",
        _database,
        "query must be given with a database URL, but it is missing. Give for example query='select ds, y from sales'.",
        error=UsageError,
    ),
    BadInput(
        "a query that fails",
        _database,
        "the query must run on 'sqlite:///{folder}/sales.db', but it failed: no such table: orders. Correct the query.",
        {"query": "select * from orders"},
    ),
    BadInput(
        "a query that finds nothing",
        _database,
        "sqlite:///{folder}/sales.db must hold at least one row, but it has the columns 'ds', 'y' and no rows. "
        + _COMPLETELY,
        {"query": "select * from sales"},
    ),
    BadInput(
        "a query that gives a name twice",
        _database,
        "every column must have a name of its own, but the query gives 'y' more than once. Name them with AS.",
        {"query": "select ds, y, y from sales"},
    ),
    BadInput(
        "a database file that is not there",
        lambda folder: f"sqlite:///{folder}/none.db",
        "the database must be a file that exists, but '{folder}/none.db' does not. Check the path.",
        {"query": "select 1"},
    ),
    BadInput(
        "a query on a file",
        _csv("ds,y", "1,2"),
        "query must be given with a database URL only, but the source is '{folder}/sales.csv'. Leave it out, or give a "
        "URL such as 'sqlite:///sales.db'.",
        {"query": "select 1"},
        UsageError,
    ),
    BadInput(
        "a horizon of nothing",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        "horizon must be a whole number of steps from 1 on, but got 0. Say how far to look.",
        {"horizon": 0},
        UsageError,
        fitted,
    ),
    BadInput(
        "an effort that does not exist",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        "effort must be one of instant, fast, standard, best, but got 'much'. Choose one of these.",
        {"effort": "much"},
        UsageError,
        fitted,
    ),
    BadInput(
        "an instant forecaster from scratch",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        "start must be 'pretrained' for effort='instant', which trains nothing, but got 'scratch'. Choose "
        "effort='fast' to train from scratch.",
        {"effort": "instant", "options": {"start": "scratch"}},
        UsageError,
        fitted,
    ),
    BadInput(
        "an instant forecaster of another size",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        f"hidden, layers, decoder and recent must be those of the pretrained weights ({_TINY.shape.hidden}, "
        f"{_TINY.shape.built.layers}, {_TINY.shape.decoder} and {_TINY.recent}) or not be given for effort='instant', "
        "but got others. Leave them out.",
        {"effort": "instant", "options": {"hidden": 1}},
        UsageError,
        fitted,
    ),
    BadInput(
        "weights that do not come with the package",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        f"weights must be one of {', '.join(shipped_sizes())}, but got 'huge'. Choose one of these.",
        {"options": {"weights": "huge"}},
        UsageError,
        fitted,
    ),
    BadInput(
        "three seasons",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        "season_length must be at most two lengths of 2 steps or more, shortest first, but got (7, 30, 365). Give for "
        "example (24, 168), 12, or () for no season.",
        {"season_length": (7, 30, 365)},
        UsageError,
        fitted,
    ),
    BadInput(
        "a negative seed",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        "seed must be a whole number from 0 to 2^63 - 1, but got -1. Give for example 0.",
        {"seed": -1},
        UsageError,
        fitted,
    ),
    BadInput(
        "an option that does not exist",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        "options must be among augment, batch, clock, combine, crop, decoder, hidden, layers, max_categories, members, "
        "rate, recent, start, steps, training, validate, weights, but got hiden.",
        {"options": {"hiden": 3}},
        UsageError,
        fitted,
    ),
    BadInput(
        "times without a common step",
        _csv("ds,y", "2024-01-01,1", "2024-01-04,2", "2024-01-11,3", "2024-02-25,4", "2024-03-01,5"),
        "freq must be known, but it cannot be inferred: the most common step, 3D, explains only 25.0% of the gaps "
        "between rows. Give it, such as freq='h', freq='D' or freq='MS'.",
        act=fitted,
    ),
    BadInput(
        "a row between two steps",
        _csv(
            "ds,y",
            "2024-01-01 00:00,1",
            "2024-01-01 01:00,2",
            "2024-01-01 02:10,3",
            "2024-01-01 03:00,4",
            "2024-01-01 04:00,5",
        ),
        "timestamps must step by 'h' from the first row of their series, but got 1 row in 1 series ('y'; first at "
        "2024-01-01T02:10:00.000000) between two steps. Give the frequency that the data has, or aggregate to it.",
        act=fitted,
    ),
    BadInput(
        "a time twice",
        _csv("ds,y", "2024-01-01,1", "2024-01-02,2", "2024-01-02,3", "2024-01-03,4"),
        "timestamps must be unique within a series, but got 1 row in 1 series ('y'; first at "
        '2024-01-02T00:00:00.000000) repeated. Say which to keep: clean(panel, duplicates="first"), "last" or "mean".',
        act=fitted,
    ),
    BadInput(
        "a single row",
        _csv("ds,y", "2024-01-01,1"),
        "freq must be known, but it cannot be inferred: no series has two rows at different times. Give it, such as "
        "freq='h', freq='D' or freq='MS'.",
        act=fitted,
    ),
    BadInput(
        "a single value",
        _csv("ds,y", "2024-01-01,1", "2024-01-02,", "2024-01-03,"),
        "at least one series must have 2 observed values to learn from, but got at most 1. Give longer series or a "
        "shorter horizon.",
        act=fitted,
    ),
    BadInput(
        "a series too short for a backtest",
        _csv("ds,y", "2024-01-01,1", "2024-01-02,2", "2024-01-03,3"),
        "series must have an observed value and 3 rows after it to be backtested, but the longest of 1 has 3 rows. "
        "Choose a shorter horizon or gap, or give more rows.",
        {"horizon": 3},
        act=backtested,
    ),
    BadInput(
        "a baseline that does not exist",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        "baseline must be one of LSTM-instant, Naive, SeasonalNaive, Drift, AutoETS, AutoTheta, AutoARIMA, Prophet, "
        "but got 'Oracle'.",
        {"baselines": ["Oracle"], "horizon": 1},
        UsageError,
        backtested,
    ),
    BadInput(
        "no window",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        "n_windows must be a whole number of at least 1, but got 0.",
        {"n_windows": 0, "horizon": 1},
        UsageError,
        backtested,
    ),
    BadInput(
        "an interval of more than everything",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        "level must be between 0 and 100 percent, but got 120. Give for example level=[80, 95].",
        {"level": [120]},
        UsageError,
        forecast,
    ),
    BadInput(
        "intervals said in two ways",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        "level and quantiles must not both be given, but got both. Say the intervals in one way.",
        {"level": 80, "quantiles": [0.5]},
        UsageError,
        forecast,
    ),
    BadInput(
        "a quantile beyond 1",
        _frame(ds=[*_DAYS], y=[1, 2, 3]),
        "quantiles must be between 0 and 1, but got 1.5. Give for example quantiles=[0.1, 0.5, 0.9].",
        {"quantiles": [1.5]},
        UsageError,
        forecast,
    ),
    BadInput(
        "hours for a model of days",
        _csv("ds,y", "2024-01-01 00:00,1", "2024-01-01 01:00,2", "2024-01-01 02:00,3"),
        "timestamps must step by 'D' from the first row of their series, but got 2 rows in 1 series ('y'; first at "
        "2024-01-01T01:00:00.000000) between two steps. Give the frequency that the data has, or aggregate to it.",
        act=forecast,
    ),
    BadInput(
        "other columns than the model knows",
        _csv("ds,units", "2024-01-01,1", "2024-01-02,2"),
        "target_col must be a column of the table, but got 'y'; it has 'ds', 'units'. Give one of these names.",
        act=forecast,
    ),
    BadInput(
        "a future for a model that knows none",
        lambda folder: None,
        "future must only be given to a model with known-future covariates, but got some for a model without. Fit with "
        'covariates={"name": "future"} to use them.',
        {"future": 1},
        UsageError,
        forecast,
    ),
    BadInput(
        "no future for a model that needs one",
        lambda folder: None,
        "covariates 'price' must be given for the 2 steps of the future, but no table was given. Give a table with "
        "these columns, or add rows with an empty target to the history.",
        act=forecast_with,
    ),
    BadInput(
        "a future that misses a step",
        _csv("ds,price", "2024-01-05,1"),
        "the future of 'price' must hold each of the 2 steps after the last row of every series once, but misses 'y at "
        "2024-01-06'. Add these rows.",
        act=forecast_with,
    ),
    BadInput(
        "a future with an empty step",
        _csv("ds,price", "2024-01-05,1", "2024-01-06,"),
        "covariate 'price' must have a value at each of the 2 steps of the future, since it always has one in the "
        "past, but it is empty for 'y at 2024-01-06'. Fill these values in, or leave the column out.",
        act=forecast_with,
    ),
    BadInput(
        "a future with a step twice",
        _csv("ds,price", "2024-01-05,1", "2024-01-05,2", "2024-01-06,3"),
        "the future of 'price' must hold each of the 2 steps after the last row of every series once, but repeats "
        "'y at 2024-01-05'. Keep one row of each.",
        act=forecast_with,
    ),
    BadInput(
        "a future of other columns",
        _csv("ds,cost", "2024-01-05,1", "2024-01-06,2"),
        "the table must have the columns 'ds', 'price', but 'price' is not among 'ds', 'cost'. Add what is missing.",
        act=forecast_with,
    ),
    BadInput(
        "words for the numbers of the future",
        _csv("ds,price", "2024-01-05,low", "2024-01-06,high"),
        "column 'price' must hold numbers like the panel, but got text such as 'low'. Convert it to numbers.",
        act=forecast_with,
    ),
    BadInput(
        "a forecast before the fit",
        lambda folder: None,
        "the forecaster must be fitted first, but got none. Call fit(data), or load a model.",
        error=NotFittedError,
        act=lambda source: _small().predict(),
    ),
    BadInput(
        "a pretrained forecaster without data",
        lambda folder: None,
        "the forecaster must be fitted first, but got none. Call fit(data), or load a model.",
        error=NotFittedError,
        act=lambda source: Forecaster.pretrained(2).predict(),
    ),
    BadInput(
        "a pretrained forecaster of nothing observed",
        _frame(unique_id=["a", "a", "b", "b"], ds=[1, 2, 1, 2], y=[1.0, 2.0, None, None]),
        "every series must have an observed value, but got none in 1 of 2: 'b'. Leave these series out.",
        act=lambda source: Forecaster.pretrained(2).predict(source),
    ),
    BadInput(
        "a parameter that does not exist",
        lambda folder: None,
        "parameters must be among horizon, model, freq, season_length, effort, seed, options, verbose, but got hrizon.",
        error=UsageError,
        act=lambda source: _small().set_params(hrizon=3),
    ),
    BadInput(
        "a model that is not there",
        lambda folder: folder / "model",
        "a model must be a folder, but got {folder}/model, which is not there. Check the path.",
        error=ArtifactError,
        act=loaded,
    ),
    BadInput(
        "a folder that is no model",
        lambda folder: folder,
        "a model must have the file {folder}/model.json, but got none. Save the model anew, or take a sound copy.",
        error=ArtifactError,
        act=loaded,
    ),
    BadInput(
        "a model without its weights",
        _saved(lambda folder: (folder / "weights.safetensors").unlink()),
        "a model must have the file {folder}/model/weights.safetensors, but got none. Save the model anew, or take a "
        "sound copy.",
        error=ArtifactError,
        act=loaded,
    ),
    BadInput(
        "a manifest of something else",
        _saved(lambda folder: (folder / "model.json").write_text("{}")),
        "{folder}/model/model.json must be of a Foregate model, but got something else. Check the path.",
        error=ArtifactError,
        act=loaded,
    ),
    BadInput(
        "a runtime that does not exist",
        lambda folder: folder,
        "runtime must be one of auto, torch, onnx, but got 'jax'. Choose one of these.",
        {"runtime": "jax"},
        UsageError,
        loaded,
    ),
    BadInput(
        "a place where a model is already",
        _saved(lambda folder: None),
        "the folder of a model must be new, but got {folder}/model, which is there already. Give another, or "
        "overwrite=True to replace the model in it.",
        error=ArtifactError,
        act=lambda source: model().save(source),
    ),
    BadInput(
        "a place where something else is",
        lambda folder: _file("photo.jpg", b"1")(folder).parent,
        "a model must have the file {folder}/model.json, but got none. Save the model anew, or take a sound copy.",
        error=ArtifactError,
        act=lambda source: model().save(source, overwrite=True),
    ),
]
