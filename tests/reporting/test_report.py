"""The report as a whole: complete, harmless, self-contained, the same every time."""

import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest

from foregate.core import Panel, UsageError
from foregate.evaluation import Drift, Plan, backtest, scoreboard
from foregate.reporting import ReportInput, write_report
from tests.reporting.materials import QUANTILES, panel_of, told_of

KEY = "0 0 26 10"
"""The viewbox of a sample of colour in a key."""

PANEL = panel_of()
TOLD = told_of(PANEL)
VOID = {"meta", "br", "link", "img", "input"}
SECTIONS = {
    "forecast", "scoreboard", "backtest", "error-by-step", "intervals", "data", "what-was-done", "how-to-go-on"
}  # fmt: skip


class Reader(HTMLParser):
    """Reads a page: its tags must be balanced; text and attributes are kept."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def values(self, name):
        return [value for _, each, value in self.attributes if each == name]


def text_of(told, folder):
    write_report(folder / "report.html", told)
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return text_of(TOLD, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(text):
    return Reader(text)


def test_the_page_has_every_section(page):
    """Each part that the report promises is there under its heading, linked to, and the verdict stands first."""
    assert set(page.values("id")) >= SECTIONS
    assert {link.removeprefix("#") for link in page.values("href")} >= SECTIONS
    words = " ".join(page.words)
    verdict = TOLD.scoreboard.verdict().replace(" %", "\u00a0%")
    assert words.index(verdict) < words.index("Scoreboard")
    assert "The best of each column is bold." in words
    for note in ("read from a file.", "one gap was made explicit.", *(one.message for one in TOLD.audit.findings)):
        assert note in words


def test_nothing_is_fetched(text, page):
    """The file names no address and runs no script; links and references stay inside it."""
    assert "script" not in page.tags
    assert not set(page.tags) & {"link", "img", "iframe", "object", "embed", "form", "base"}
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert all(value.startswith("#") for name in ("href", "xlink:href", "src") for value in page.values(name))
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", text))
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]


def test_names_within_the_page_are_distinct_and_found(text, page):
    """No two elements share an id, and every reference, of charts too, leads to one."""
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    wanted = {value.removeprefix("#") for value in page.values("href")}
    wanted |= set(re.findall(r"url\(#([^)]*)\)", text)) | {
        one for v in page.values("aria-labelledby") for one in v.split()
    }
    assert wanted <= set(ids)


def test_every_picture_can_be_read_aloud(page):
    """Every chart is an image with a title, and has a table behind it; what stands alone is drawn twice."""
    drawn = page.values("role").count("img")
    charts = drawn - page.values("class").count("narrow")
    assert drawn == page.tags.count("title") - 1 == len([each for each in page.values("viewbox") if each != KEY])
    assert page.tags.count("figure") == charts + 1  # the facts of the fit
    assert page.words.count("Numbers") == charts
    assert page.tags.count("svg") == drawn + page.values("aria-hidden").count("true")


def test_the_best_are_marked(page):
    """In each error column of the scoreboard the model with the smallest error is marked, in bold and in words."""
    assert page.words.count(" (best)") >= 9
    assert page.values("class").count("best") == page.words.count(" (best)")


def test_the_same_input_gives_the_same_bytes(text, tmp_path):
    """A second report of the same input is the same file, whatever the caller's matplotlib settings, which stay."""
    with mpl.rc_context({"lines.linewidth": 9, "svg.hashsalt": "other", "axes.facecolor": "red"}):
        before = dict(mpl.rcParams)
        assert text_of(TOLD, tmp_path) == text
        assert dict(mpl.rcParams) == before


HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "$\\frac{$ & </svg></title>",
    "é\x00\ud800\u202e", "x" * 5000,
)  # fmt: skip


def test_hostile_names_are_text(tmp_path):
    """Ids, titles, columns, models and notes that look like markup are shown as they are and do nothing."""
    panel = panel_of(len(HOSTILE), ids=(*HOSTILE[:3], "é\u202e", HOSTILE[4]))
    evil = HOSTILE[0]
    panel = replace(panel, spec=replace(panel.spec, target_col=evil, time_col=evil, id_col=evil), notes=(evil,))
    told = told_of(
        panel,
        name=evil,
        title="</title>" + evil,
        notes=HOSTILE,
        model={"steps": evil, "seconds": evil, evil: evil, "notes": [evil]},
        next_steps=((evil, evil),),
    )
    page = Reader(text_of(told, tmp_path))
    assert not set(page.tags) & {"script", "img"}
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    words = "".join(page.words)
    assert words.count(evil) > 20
    assert HOSTILE[1] in words
    assert HOSTILE[2] in words


def test_many_series_make_no_bigger_file(tmp_path):
    """50,000 series are told by the same number of charts as 20: the file does not grow with them."""
    sizes = {}
    for n in (20, 50_000):
        panel = Panel.from_arrays(list(np.random.default_rng(0).normal(10, 1, (n, 12))), freq="D")
        result = backtest({"LSTM": Drift(), "SeasonalNaive": Drift()}, panel, Plan(2))
        forecast = Drift().forecast(panel, 2, QUANTILES)
        told = ReportInput("many", panel, None, forecast, result, scoreboard(result))
        found = text_of(told, tmp_path)
        sizes[n] = len(found)
        assert f"Shown are 6 of {n:,} series" in found
    assert sizes[50_000] < 1.2 * sizes[20]
    assert sizes[20] < 300_000


@pytest.mark.parametrize("freq", [1, "h", "B", "ME", "YS"])
@pytest.mark.parametrize("horizon", [1, 6])
def test_every_frequency_and_horizon_can_be_told(freq, horizon, tmp_path):
    """Integer time, hours, business days, month ends and years; one step and several; one series and two."""
    told = told_of(panel_of(1 if horizon == 1 else 2, freq=freq), horizon=horizon, n_windows=2)
    Reader(text_of(told, tmp_path))


def test_odd_series_can_be_told(tmp_path):
    """Constant, tiny, huge, ending in missing values, and too short for the backtest: all are shown."""
    rows = [np.full(40, 7.0), 1e-9 * np.arange(40.0), 1e13 + 1e12 * np.arange(40.0), np.arange(40.0), np.arange(3.0)]
    rows[3][-4:] = np.nan
    text = text_of(told_of(Panel.from_arrays(rows, freq="D")), tmp_path)
    assert text.count("History and forecast of") == 5
    assert text.count("had been forecast from") == 4


def test_less_can_be_told(tmp_path):
    """Without a backtest the report says that nothing is known of accuracy, and leaves out what it lacks."""
    page = Reader(text_of(ReportInput("bare", PANEL), tmp_path))
    assert "No backtest was run: how good these forecasts are is not known." in page.words
    assert not SECTIONS - {"how-to-go-on"} & set(page.values("id"))
    with pytest.raises(UsageError, match="must be given together, but got no scoreboard"):
        ReportInput("half", PANEL, backtest=TOLD.backtest)


def test_a_model_alone_is_not_judged(tmp_path):
    """A backtest of one model, without intervals, has a figure but no winner."""
    result = backtest({"LSTM": Drift()}, PANEL, Plan(3, levels=(), season=4))
    told = ReportInput("alone", PANEL, backtest=result, scoreboard=scoreboard(result))
    text = text_of(told, tmp_path)
    assert "LSTM was tested alone: MASE" in text
    assert "(best)" not in text
    assert "Inside" not in text


def test_a_loss_is_told_as_one(page):
    """Where the model loses, the verdict and the count of measures say so."""
    words = " ".join(page.words)
    assert "LSTM loses to SeasonalNaive on MASE" in words
    assert "LSTM has a lower error than SeasonalNaive on 0 of 8 measures, and by MASE on 0 of 3 series." in words


def test_a_failure_leaves_the_old_report(tmp_path, monkeypatch):
    """Where the disk is full, the report that was there stays."""
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_report(path, ReportInput("bare", PANEL))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
