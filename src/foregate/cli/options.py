"""The options of the command line, each defined once; its help is its documentation."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Exit, Option, echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foregate.core import Panel, Role
    from foregate.forecaster import Forecaster

__all__ = [
    "Baselines",
    "Data",
    "Effort",
    "FutureData",
    "Level",
    "Output",
    "Overwrite",
    "Reading",
    "Training",
    "Windows",
    "percents",
    "season_lengths",
]

_READING = "Columns of the table"
_SNIFFED = "Reading, where sniffing does not do"
_TRAINING = "Forecaster"
_OUTPUT = "Output"

Data = Annotated[
    str, Argument(metavar="DATA", help="CSV, TSV, Parquet, JSON or NDJSON file, http(s) address, or database URL.")
]
Level = Annotated[
    list[str] | None,
    Option(
        "--level", metavar="PERCENT", rich_help_panel=_TRAINING, help="Central intervals, such as 80,95. Repeatable."
    ),
]
Baselines = Annotated[
    list[str] | None,
    Option(
        "--baselines",
        metavar="NAME",
        rich_help_panel=_TRAINING,
        help="Models to compare with: LSTM-instant, Naive, SeasonalNaive, Drift, AutoETS, AutoTheta, AutoARIMA, "
        "Prophet. Repeatable.",
    ),
]
Effort = Annotated[
    str,
    Option(
        "--effort",
        metavar="instant|fast|standard|best",
        rich_help_panel=_TRAINING,
        help="Time for accuracy; instant trains nothing and needs no torch.",
    ),
]
Windows = Annotated[
    int | None,
    Option("--windows", metavar="N", rich_help_panel=_TRAINING, help="Held-out origins per series to be scored on."),
]
FutureData = Annotated[
    str | None,
    Option(
        "--future-data",
        metavar="FILE",
        rich_help_panel=_READING,
        help="Table with the known-future columns of the steps to forecast.",
    ),
]
Overwrite = Annotated[
    bool, Option("--overwrite", metavar="", rich_help_panel=_OUTPUT, help="Replace what an earlier run has written.")
]


def _list_settings(given: list[str] | None) -> list[str] | None:
    """Where it is asked for, print what can be set, and exit."""
    if given and "help" in given:
        from foregate.cli.settings import listing

        echo(listing())
        raise Exit
    return given


@dataclass(frozen=True)
class Reading:
    """How to read a table."""

    id_col: Annotated[
        str | None, Option("--id-col", metavar="NAME", rich_help_panel=_READING, help="Column that names the series.")
    ] = None
    time_col: Annotated[
        str | None, Option("--time-col", metavar="NAME", rich_help_panel=_READING, help="Column of times.")
    ] = None
    target_col: Annotated[
        str | None,
        Option("--target-col", metavar="NAME", rich_help_panel=_READING, help="Column of the numbers to forecast."),
    ] = None
    target_cols: Annotated[
        list[str] | None,
        Option(
            "--target-cols",
            metavar="NAMES",
            rich_help_panel=_READING,
            help="Several columns to forecast together, such as load,price. Repeatable.",
        ),
    ] = None
    freq: Annotated[
        str | None,
        Option("--freq", metavar="STEP", rich_help_panel=_READING, help="Step between rows, such as h, D, W, MS or 1."),
    ] = None
    static: Annotated[
        list[str] | None,
        Option("--static", metavar="NAME", rich_help_panel=_READING, help="Column with one value per series."),
    ] = None
    past: Annotated[
        list[str] | None,
        Option("--past", metavar="NAME", rich_help_panel=_READING, help="Column that is known up to now."),
    ] = None
    future: Annotated[
        list[str] | None,
        Option("--future", metavar="NAME", rich_help_panel=_READING, help="Column that is known for the horizon too."),
    ] = None
    wide: Annotated[
        bool, Option("--wide", metavar="", rich_help_panel=_READING, help="Every column but time is a series.")
    ] = False
    query: Annotated[
        str | None, Option("--query", metavar="SQL", rich_help_panel=_READING, help="What to ask a database.")
    ] = None
    duplicates: Annotated[
        Literal["first", "last", "mean"] | None,
        Option(
            "--duplicates", rich_help_panel=_READING, help="Which row of a repeated time to keep; refused if not said."
        ),
    ] = None
    separator: Annotated[
        str | None,
        Option("--separator", metavar="CHAR", rich_help_panel=_SNIFFED, help="Character between two fields."),
    ] = None
    decimal: Annotated[
        str | None, Option("--decimal", metavar="CHAR", rich_help_panel=_SNIFFED, help="Decimal mark: . or ,")
    ] = None
    thousands: Annotated[
        str | None,
        Option("--thousands", metavar="CHAR", rich_help_panel=_SNIFFED, help="Mark between groups of three digits."),
    ] = None
    date_format: Annotated[
        str | None,
        Option("--date-format", metavar="PATTERN", rich_help_panel=_SNIFFED, help="Such as %d/%m/%Y %H:%M."),
    ] = None
    epoch: Annotated[
        str | None,
        Option("--epoch", metavar="UNIT", rich_help_panel=_SNIFFED, help="Times count s, ms, us or ns since 1970."),
    ] = None
    encoding: Annotated[
        str | None, Option("--encoding", metavar="NAME", rich_help_panel=_SNIFFED, help="Such as utf-8 or latin-1.")
    ] = None
    format: Annotated[
        str | None,
        Option("--format", metavar="NAME", rich_help_panel=_SNIFFED, help="csv, parquet, json or ndjson."),
    ] = None

    def check(self) -> None:
        """Refuse what can be told to be wrong before anything is read."""
        self._options()
        if self.freq is not None:
            from foregate.core import Frequency

            Frequency.parse(self.step or self.freq)
        self.roles()
        if self.target_cols is not None and self.target_col is not None:
            from foregate.core import UsageError

            raise UsageError("--target-col and --target-cols must not both be given, but were. Leave one of them out.")

    @property
    def step(self) -> str | int | None:
        """The frequency, as a number where it is one."""
        return int(self.freq) if self.freq is not None and self.freq.isdecimal() else self.freq

    def roles(self) -> dict[str, Role]:
        """Column -> its role as a covariate."""
        from foregate.core import UsageError, listed

        given: list[tuple[str, Role]] = []
        given += [(name, "static") for name in self.static or ()]
        given += [(name, "past") for name in self.past or ()]
        given += [(name, "future") for name in self.future or ()]
        twice = sorted({name for name, role in given if (name, role) != (name, dict(given)[name])})
        if twice:
            raise UsageError(
                f"--static, --past and --future must name different columns, but {listed(twice)} has more than one "
                "role. Leave one of them out."
            )
        return dict(given)

    def words(self) -> list[str]:
        """The same options as they are typed, for another command that reads this table."""
        said: list[str] = []
        for each in fields(self):
            value, name = getattr(self, each.name), f"--{each.name.replace('_', '-')}"
            values = value if isinstance(value, (list, tuple)) else [] if value in (None, False) else [value]
            said += [word for one in values for word in ([name] if one is True else [name, str(one)])]
        return said

    def read(self, data: str) -> Panel:
        """The table as a panel."""
        from foregate.data import clean, read, require_freq

        panel = read(
            data,
            id_col=self.id_col,
            time_col=self.time_col,
            target_col=self.target_col,
            target_cols=None if self.target_cols is None else _parts(self.target_cols),
            covariates=self.roles() or None,
            freq=self.step,
            query=self.query,
            wide=self.wide,
            options=self._options(),
        )
        return panel if self.duplicates is None else clean(require_freq(panel), duplicates=self.duplicates).panel

    def _options(self) -> Any:
        from foregate.data import ReadOptions

        names = ("format", "separator", "decimal", "thousands", "encoding", "date_format", "epoch")
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return ReadOptions(**given) if given else None


@dataclass(frozen=True)
class Training:
    """What forecaster to make."""

    horizon: Annotated[
        int, Option("--horizon", metavar="H", rich_help_panel=_TRAINING, help="Steps ahead to forecast.")
    ]
    season_length: Annotated[
        list[str] | None,
        Option(
            "--season-length",
            metavar="STEPS",
            rich_help_panel=_TRAINING,
            help="One or two season lengths, such as 24,168; 1 for none. Found in the data if not given.",
        ),
    ] = None
    effort: Effort = "standard"
    seed: Annotated[
        int, Option("--seed", metavar="N", rich_help_panel=_TRAINING, help="Same seed, same data: same forecasts.")
    ] = 0
    model: Annotated[
        str | None,
        Option(
            "--model",
            metavar="NAME",
            rich_help_panel=_TRAINING,
            help="Which network: names of its parts joined by +, such as gru+stacked or seq2seq+additive. The "
            "universal LSTM if not given.",
        ),
    ] = None
    weights: Annotated[
        str | None,
        Option(
            "--weights",
            metavar="SIZE",
            rich_help_panel=_TRAINING,
            help="Pretrained weights to use or begin with, tiny or base; if left out, by the size of the table.",
        ),
    ] = None

    set: Annotated[
        list[str] | None,
        Option(
            "--set",
            metavar="NAME=VALUE",
            rich_help_panel=_TRAINING,
            is_eager=True,
            callback=_list_settings,
            help="Any other option of the forecaster, such as hidden=64, augment.jitter=0.03 or "
            "training.optimizer=sgd. Repeatable; --set help lists them.",
        ),
    ] = None

    def forecaster(self, freq: str | int | None, *, verbose: bool) -> Forecaster:
        """The forecaster, before it is fitted; wrong arguments are told here.

        Raises:
            UsageError: an argument is wrong.
            MissingExtraError: torch is not installed, and something is to be trained.
        """
        from foregate.cli.settings import options_of
        from foregate.core import require_torch
        from foregate.forecaster import Forecaster

        options = options_of(self.set or ())
        model = Forecaster(
            self.horizon,
            model=self.model,
            freq=freq,
            season_length=season_lengths(self.season_length),
            effort=self.effort,  # type: ignore[arg-type]  # the recipe refuses what it does not know
            seed=self.seed,
            options=({} if self.weights is None else {"weights": self.weights}) | options or None,
            verbose=verbose,
        )
        if self.effort != "instant":
            require_torch()
            if "device" in options.get("training", {}):  # as `fit` does, but before anything is read
                from foregate.training.engine import require_device

                require_device(options["training"]["device"])
        return model


@dataclass(frozen=True)
class Output:
    """How to speak."""

    json: Annotated[
        bool, Option("--json", metavar="", rich_help_panel=_OUTPUT, help="Print one JSON document instead of text.")
    ] = False
    quiet: Annotated[
        bool, Option("--quiet", "-q", metavar="", rich_help_panel=_OUTPUT, help="No progress on standard error.")
    ] = False


def percents(level: Sequence[str] | None) -> tuple[float, ...]:
    """Levels as numbers; 80 and 95 when none was given.

    Raises:
        UsageError: one is no percentage.
    """
    from foregate.core import UsageError, levels_to_quantiles

    if not level:
        return (80.0, 95.0)
    try:
        numbers = dict.fromkeys(float(one) for one in _parts(level))
    except ValueError:
        raise UsageError(f"level must be percentages, but got {', '.join(level)!r}. Give for example 80,95.") from None
    levels = tuple(int(one) if one.is_integer() else one for one in numbers)
    levels_to_quantiles(levels)
    return levels


def season_lengths(given: Sequence[str] | None) -> list[int] | None:
    """Season lengths as numbers, an empty list for none; None when nothing was given.

    Raises:
        UsageError: one is no whole number.
    """
    lengths = None if given is None else [_whole(one) for one in _parts(given)]
    return [] if lengths == [1] else lengths


def _parts(given: Sequence[str]) -> list[str]:
    return [part.strip() for one in given for part in one.split(",") if part.strip()]


def _whole(text: str) -> int:
    from foregate.core import UsageError

    if not text.isdecimal():
        raise UsageError(f"season_length must be whole numbers, but got {text!r}. Give for example 24,168.")
    return int(text)
