"""`foregate tune`: search for settings that forecast better."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from foregate.cli.options import Data, Output, Overwrite, Reading, Training
from foregate.cli.outputs import check_place, staged
from foregate.cli.screen import Page, advice_lines, panel_lines, print_json, source_name, stage

if TYPE_CHECKING:
    from rich.console import RenderableType

    from foregate.tuning import Search, Tuning

__all__ = ["Searching", "tune"]

_SEARCH = "Search"
MOST_SHOWN = 5
"""Trials and settings of the summary; the files have all."""


@dataclass(frozen=True)
class Searching:
    """How to search, and for how long."""

    space: Annotated[
        Path | None,
        Option(
            "--space",
            metavar="FILE",
            rich_help_panel=_SEARCH,
            help="TOML or JSON file of what each setting may be, in place of what is usual for it.",
        ),
    ] = None
    sampler: Annotated[
        str,
        Option("--sampler", metavar="tpe|random|grid", rich_help_panel=_SEARCH, help="What chooses the next trial."),
    ] = "tpe"
    pruner: Annotated[
        str,
        Option(
            "--pruner",
            metavar="median|hyperband|none",
            rich_help_panel=_SEARCH,
            help="What stops trials whose validation scores fall behind.",
        ),
    ] = "median"
    trials: Annotated[
        int | None,
        Option(
            "--trials",
            metavar="N",
            rich_help_panel=_SEARCH,
            help="Trials of the whole study, those of earlier runs included; 50, or all of a grid.",
        ),
    ] = None
    seconds: Annotated[
        float | None,
        Option("--seconds", metavar="S", rich_help_panel=_SEARCH, help="Wall-clock time of this run's search at most."),
    ] = None
    jobs: Annotated[
        int, Option("--jobs", metavar="N", rich_help_panel=_SEARCH, help="Processes that share the work.")
    ] = 1
    study: Annotated[
        str | None,
        Option(
            "--study",
            metavar="FILE|URL",
            rich_help_panel=_SEARCH,
            help="Journal of the study, which the same command goes on with, or postgresql://… for several machines; "
            "if not given, the folder of the results with .journal added.",
        ),
    ] = None
    windows: Annotated[
        int | None,
        Option("--windows", metavar="N", rich_help_panel=_SEARCH, help="Origins per series that trials are scored at."),
    ] = None
    test_windows: Annotated[
        int | None,
        Option(
            "--test-windows",
            metavar="N",
            rich_help_panel=_SEARCH,
            help="Origins per series that no trial sees, for default and winner at the end.",
        ),
    ] = None
    refit: Annotated[
        bool, Option("--refit", metavar="", rich_help_panel=_SEARCH, help="Let trials train anew at each origin.")
    ] = False
    measure: Annotated[
        str,
        Option("--measure", metavar="NAME", rich_help_panel=_SEARCH, help="What is to be small, such as mae or crps."),
    ] = "mase"
    luck: Annotated[
        float,
        Option(
            "--luck",
            metavar="P",
            rich_help_panel=_SEARCH,
            help="Chance at most to take a winner that is no better than the default; 1 takes any.",
        ),
    ] = 0.05
    search_seed: Annotated[
        int,
        Option("--search-seed", metavar="N", rich_help_panel=_SEARCH, help="Same seed, one process: the same trials."),
    ] = 0

    def search(self) -> Search:
        """The same as Python takes it.

        Raises:
            UsageError: something is wrong.
        """
        from foregate.tuning import Search

        return Search(
            sampler=self.sampler,  # type: ignore[arg-type]  # the search refuses what it does not know
            pruner=self.pruner,  # type: ignore[arg-type]
            n_trials=self.trials,
            seconds=self.seconds,
            n_jobs=self.jobs,
            windows=self.windows,
            test_windows=self.test_windows,
            refit=self.refit,
            measure=self.measure,
            luck=self.luck,
            seed=self.search_seed,
        )


def tune(
    data: Data,
    reading: Reading,
    training: Training,
    searching: Searching,
    output: Output,
    out: Annotated[
        Path, Option("--out", metavar="DIR", rich_help_panel="Output", help="Folder for the results and the model.")
    ] = Path("tuning"),
    overwrite: Overwrite = False,
) -> None:
    """Search for settings that forecast better, and say what it brought.

    Trials are scored at origins of the past; the last windows are held back from all of them, and default and winner
    are scored there at the end. The winner is taken if it is better there by more than luck, and what is taken is
    fitted on everything. A search that was stopped goes on when the same command is given again, and several with the
    same --study share the work.

    Example:

        $ foregate tune sales.csv --id-col shop --time-col date --target-col units --horizon 28 --seconds 3600 --jobs 2
    """
    from foregate.tuning import read_space
    from foregate.tuning.result import FILES
    from foregate.tuning.run import Task

    reading.check()
    model = training.forecaster(reading.step, verbose=not output.quiet)
    check_place(out, FILES, model=out / "model", overwrite=overwrite)
    space = None if searching.space is None else read_space(searching.space)
    study = searching.study or str(out.with_name(f"{out.name}.journal"))
    task = Task.of(training.horizon, space, model, study, searching.search())
    stage(output, f"reading {source_name(data)}")
    panel = reading.read(data)
    stage(output, f"searching; the study is in {source_name(study)}")
    tuning = task.run(panel, lambda text: stage(output, text))
    with staged(out, FILES) as new:
        tuning.save(new)
    files = [str(out / name) for name in FILES]
    if output.json:
        print_json({"data": source_name(data), **tuning.to_dict(), "files": files})
        return
    page = Page()
    page.add("Read", *panel_lines(panel, data))
    page.add("Search", *_trial_lines(tuning))
    page.add("Best", *_best_lines(tuning))
    page.add("Gain", *str(tuning.gain).splitlines())
    page.add("Notes", *tuning.notes)
    page.add("Files", *files, source_name(study))
    command = f"foregate predict {shlex.quote(str(out / 'model'))} --out forecasts.csv"
    page.add("Next", *advice_lines([(command, "forecast with what was taken")]))
    page.show()


def _trial_lines(tuning: Tuning) -> list[RenderableType]:
    """How many trials there were, and the best of them."""
    from rich.table import Table

    counts = {state: sum(trial.state == state for trial in tuning.trials) for state in ("complete", "pruned", "failed")}
    failed = next((trial.reason for trial in tuning.trials if trial.state == "failed"), None)
    grid = Table(box=None, padding=(0, 3, 0, 0), header_style="dim", pad_edge=False)
    for column in ("", tuning.gain.measure, "seconds", ""):
        grid.add_column(column, no_wrap=column != "", overflow="fold")
    for row in tuning.leaderboard.head(MOST_SHOWN).iter_rows(named=True):
        if row["rank"] is None:
            break
        trial = next(trial for trial in tuning.trials if trial.number == row["trial"])
        what = ", ".join(f"{name}={_value(value)}" for name, value in trial.point.items()) or "the default"
        grid.add_row(f"trial {trial.number}", f"{trial.score:.4g}", f"{trial.seconds or 0:.1f}", what)
    said = f"{counts['complete']} trials complete, {counts['pruned']} stopped early, {counts['failed']} failed"
    return [said, *([] if failed is None else [f"The first that failed: {failed}"]), "", grid]


def _best_lines(tuning: Tuning) -> list[RenderableType]:
    """The settings that were taken, and what mattered."""
    point = tuning.winner.point
    said = ", ".join(f"{name}={_value(value)}" for name, value in point.items()) or "the default"
    if not tuning.gain.taken:
        said = f"the default; the lowest score had {said}"
    mattered = [f"{name} {share:.0%}" for name, share in list(tuning.importance.items())[:MOST_SHOWN]]
    return [said, *([f"What mattered most: {', '.join(mattered)}"] if mattered else [])]


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
