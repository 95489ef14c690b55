"""Tests of `foregate stream`."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from foregate import Forecaster, load
from foregate.cli import app
from tests.cli.test_app import PROGRAM

PRETRAINED = ("--pretrained", "--freq", "D", "--horizon", "2", "--level", "80")


def stream(*words, lines, code=0):
    """What is said to lines, each a mapping or text, and on standard error."""
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    result = CliRunner().invoke(app, ["stream", *map(str, words)], input=text)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def days(first, last, *, name="a"):
    """Observations of days in January 2024, those with a 5 missing."""
    return [
        {"unique_id": name, "ds": f"2024-01-{t:02d}", "y": None if t % 10 == 5 else 10.0 + t % 7}
        for t in range(first, last + 1)
    ]


def test_a_line_for_a_line(here):
    """Every observation is answered by the forecast after it, as a live forecaster gives it in Python."""
    said, shown = stream(*PRETRAINED, lines=days(1, 30))
    assert "ready: 0 series known, horizon 2" in shown
    live = Forecaster.pretrained(2, freq="D").live()
    for row, answer in zip(days(1, 30), said, strict=True):
        live.update(row)
        expected = live.forecast(level=80)
        assert list(answer) == ["unique_id", "ds", "LSTM", "LSTM-lo-80", "LSTM-hi-80"]
        assert answer["ds"] == [str(time)[:19] for time in expected.times[0]]
        together = np.array([answer["LSTM-lo-80"], answer["LSTM"], answer["LSTM-hi-80"]]).T
        np.testing.assert_allclose(together, expected.values[0], rtol=1e-6)


def test_bad_lines_are_answered_and_change_nothing(here):
    """Whatever stands in a line, it gets one line; what is good goes on as if the rest had not been there."""
    bad = [
        "nonsense\n",
        "\n",
        "[1]\n",
        "\xff\n",
        '{"unique_id": "a", "ds": "2024-01-01", "y": "many"}\n',
        '{"unique_id": "a", "ds": "2024-01-01"}\n',
        '{"unique_id": "a", "ds": "1900-01-01", "y": 1}\n',
        '{"unique_id": "new", "ds": "yesterday", "y": 1}\n',
        '{"unique_id": "a", "ds": "2024-01-04", "y": 1e999}\n',
        "[" * 100_000 + "\n",
        '{"unique_id": "a", "ds": "2024-01-04", "y": 1' + "0" * 400 + "}\n",
        '{"unique_id": "a", "ds": "0001-01-01T00:00+05:00", "y": 1}\n',
    ]
    good = days(1, 12)
    mixed = [*good[:3], *bad, *good[3:], '{"unique_id": "a", "ds": "2024-01-12", "y"']
    said, _ = stream(*PRETRAINED, lines=mixed)
    assert len(said) == len(mixed)
    wrong = [answer for answer in said if "error" in answer]
    assert [answer["line"] for answer in wrong] == [*range(4, 16), 25]
    assert wrong[4]["unique_id"] == "a"
    assert "'y' must be a finite number" in wrong[4]["error"]
    assert [answer for answer in said if "error" not in answer] == stream(*PRETRAINED, lines=good)[0]


def test_what_was_done_is_said(here):
    """Times that were skipped are counted; what is known already, and a series of nothing, are told."""
    lines = [*days(1, 3), *days(3, 3), *days(8, 8), {"unique_id": 7, "ds": "2024-01-08", "y": None}]
    said, _ = stream(*PRETRAINED, lines=lines)
    assert said[3] == {"unique_id": "a", "repeated": 1, **{k: v for k, v in said[2].items() if k != "unique_id"}}
    assert said[4]["skipped"] == 4
    assert said[5]["unique_id"] == 7
    assert "must have an observed value" in said[5]["note"]


def test_what_is_wrong_with_a_line_is_told(here):
    """Encodings, doubled names, lengths, ends of line and marks: read where they are JSON, told where not."""
    good = b'{"unique_id": "\xc3\xa4", "ds": "2024-01-01", "y": 1}'
    again = good.replace(b"01-01", b"01-02")
    lines = [
        (b"\xef\xbb\xbf" + good + b"\r\n", None),
        (b"\xef\xbb\xbf" + again + b"\n", "must be JSON"),
        (again.decode().encode("utf-16") + b"\n", "must be in UTF-8"),
        (good.replace(b"\xa4", b"") + b"\n", "must be in UTF-8"),
        (b'{"unique_id": "b", "ds": "2024-01-01", "y": 1, "y": 2}\n', "'y' more than once"),
        (b'{"unique_id": "b", "ds": "2024-01-01", "y": Infinity}\n', "finite number"),
        (b'{"unique_id": NaN, "ds": "2024-01-01", "y": 1}\n', "must be text or a whole number"),
        (b'{"unique_id": {"a": [NaN]}, "ds": "2024-01-01", "y": 1}\n', "must be text or a whole number"),
        (b'{"y": ' + b"1" * 5000 + b"}\n", "must be JSON"),
        (b"\r\n", "must be JSON"),
        (b'{"unique_id": "' + b"x" * (1 << 20) + b'"}\n', "at most 1,048,576 bytes"),
        (good.replace(b" 1}", b" 1" + b" " * (3 << 20) + b"}") + b"\n", "at most 1,048,576 bytes"),
        (good.replace(b" 1}", b" 1" + b" " * (1 << 19) + b"}") + b"\n", None),
        (b'{"unique_id": "\\ud800", "ds": "2024-01-01", "y": 1}\n', None),
        (again.replace(b" 1}", b" NaN}") + b" \t\r\n", None),
        (b'{"unique_id": "c", "ds": "2024-01-01", "y": 1, "note": {"y": [Infinity]}}', None),
    ]
    words = ["stream", *PRETRAINED, "--state", "s"]
    result = CliRunner().invoke(app, words, input=b"".join(line for line, _ in lines))
    assert result.exit_code == 0, result.output
    said = [json.loads(line, parse_constant=pytest.fail) for line in result.stdout.splitlines()]
    for answer, (line, wrong) in zip(said, lines, strict=True):
        assert (wrong in answer["error"]) if wrong else ("LSTM" in answer), (line[:80], answer)
    assert said[0]["unique_id"] == "ä"
    assert said[12]["repeated"] == 1
    assert said[13]["unique_id"] == "\ud800"
    assert stream(*PRETRAINED, "--state", "s", lines=days(3, 3, name="ä"))[0][0].get("skipped") is None


def test_forecasts_and_scores_can_be_asked_for(here):
    """A line may ask for the forecast of a series, or for the scores so far; nothing is changed by that."""
    lines = [*days(1, 20), *days(3, 12, name="b")]
    ask = [{"op": "forecast", "unique_id": "a"}, {"op": "scores"}, {"op": "scores", "unique_id": "b", "recent": True}]
    said, _ = stream(*PRETRAINED, "--watch", "--scores", "scores.csv", lines=[*lines, *ask, *days(21, 22)])
    plain, _ = stream(*PRETRAINED, "--watch", lines=[*lines, *days(21, 22)])
    assert [*said[:30], *said[33:]] == plain
    assert said[30] == {"op": "forecast", **said[19]}
    live = Forecaster.pretrained(2, freq="D").live()
    live.watch(2, level=80)
    live.update(lines)
    assert said[31]["op"] == "scores"
    assert pl.DataFrame(said[31]["scores"]).select("unique_id", "step", "n").rows() == live.scores()[:, :3].rows()
    np.testing.assert_allclose([row["mae"] for row in said[31]["scores"]], live.scores()["mae"], rtol=1e-6)
    recent = live.scores("b", recent=True)
    np.testing.assert_allclose([row["mae"] for row in said[32]["scores"]], recent["mae"], rtol=1e-6)
    assert said[32]["unique_id"] == "b"
    live.update(days(21, 22))
    assert pl.read_csv("scores.csv")["n"].to_list() == live.scores()["n"].to_list()


def test_questions_that_have_no_answer(here):
    """Unknown operations and series, and scores of what is not watched, are told; no operation is an observation."""
    lines = [
        {"op": "forecast"},
        {"op": "forecast", "unique_id": "z"},
        {"op": "forecast", "unique_id": True},
        {"op": "scores"},
        {"op": "remove", "unique_id": "a"},
        {"op": ["drop"], "unique_id": "a"},
        {"op": None, **days(1, 1)[0]},
        {"op": "update", **days(2, 2)[0]},
        {"op": "forecast"},
        {"unique_id": "b", "ds": "2024-01-01", "y": None},
        {"op": "forecast", "unique_id": "b"},
    ]
    said, _ = stream(*PRETRAINED, lines=lines)
    wrong = ["Name the series", "'z'", "text or a whole", "Call watch", "must be one of update, correct", "['drop']"]
    for answer, part in zip(said, wrong, strict=False):
        assert part in answer["error"], answer
    assert "op" not in said[6]
    assert said[7].keys() == {"op", *said[6]}
    assert said[8] == {**said[7], "op": "forecast"}
    assert "must have an observed value" in said[10]["note"]


def test_a_table_may_have_a_column_of_that_name(here):
    """Where something else says what a line is, a column named op is one like any other, or the target itself."""
    rows = [{"unique_id": "a", "ds": t, "op": "drop", "y": t} for t in range(3)]
    said, _ = stream("--pretrained", "--op-col", "do", lines=[*rows, {"do": "forecast"}])
    assert ["error" in answer for answer in said] == [False] * 4
    assert said[3]["do"] == "forecast"
    rows = [{"unique_id": "a", "ds": t, "op": t} for t in range(3)]
    said, _ = stream("--pretrained", "--target-col", "op", "--op-col", "do", lines=rows)
    assert ["LSTM" in answer for answer in said] == [True] * 3


def test_a_watch_goes_on(here):
    """What was watched is gone on with if it is asked for alike or not at all, and begun anew if it is not."""
    ask = {"op": "scores"}
    whole, _ = stream(*PRETRAINED, "--watch", lines=[*days(1, 20), ask])
    stream(*PRETRAINED, "--watch", "--state", "s", lines=days(1, 12))
    first = stream(*PRETRAINED, "--watch", "--state", "s", lines=days(13, 16))[0]
    rest = stream(*PRETRAINED, "--state", "s", lines=[*days(17, 20), ask])[0]
    assert [*first, *rest] == whole[12:]
    said, _ = stream(*PRETRAINED[:-2], "--level", "50", "--watch", "--state", "s", lines=[ask])
    assert {row["n"] for row in said[0]["scores"]} == {0}


def test_what_was_begun_is_gone_on_with(here):
    """Names of columns are those that a stream was begun with."""
    stream("--pretrained", "--state", "s", lines=[{"ds": 1, "y": 2}])
    assert stream("--pretrained", "--state", "s", "--target-col", "y", lines=[{"ds": 2, "y": 2}])[0][0]["ds"] == [3]
    assert "--time-col must be ds" in stream("--pretrained", "--state", "s", "--time-col", "t", lines=[], code=2)[1]


def test_only_one_process_has_a_state(here):
    """A second one is refused while the first one runs, and takes over where it was killed."""
    words = [PROGRAM, "stream", *PRETRAINED, "--state", "s"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdin.write(json.dumps(days(1, 1)[0]).encode() + b"\n")
        running.stdin.flush()
        assert json.loads(running.stdout.readline())["unique_id"] == "a"
        assert "held by another" in stream(*PRETRAINED, "--state", "s", lines=[], code=2)[1]
        running.kill()
    _, shown = stream(*PRETRAINED, "--state", "s", lines=[])
    assert "1 series known" in shown


def test_late_values_corrections_and_ends(here):
    """What is late is read in its place, what was wrong is corrected, what has ended is forgotten; also later on."""
    wrong = {**days(4, 4)[0], "y": 99.0}
    right = {"op": "correct", **days(4, 4)[0]}
    lines = [
        *days(1, 3),
        wrong,
        *days(5, 6),
        *days(8, 9),
        *days(7, 7),
        right,
        *days(1, 2, name="b"),
        {"op": "drop", "unique_id": "b"},
    ]
    said, _ = stream(
        *PRETRAINED, "--allow-late", "7", "--state", "s", lines=[*lines, right, {**right, "ds": "2024-02-01"}]
    )
    plain, _ = stream(*PRETRAINED, lines=days(1, 9))
    assert said[8]["late"] == 1
    for answer, told in ((said[9], {"op": "correct", "late": 1}), (said[13], {"op": "correct", "repeated": 1})):
        assert {name: answer[name] for name in told} == told
        assert answer.keys() == told.keys() | plain[-1].keys()
        np.testing.assert_allclose(answer["LSTM-lo-80"], plain[-1]["LSTM-lo-80"], rtol=1e-6)
    assert said[12] == {"op": "drop", "unique_id": "b"}
    assert "which has not been read" in said[14]["error"]
    again = {**right, "ds": "2024-01-08", "y": 1.0}
    said, shown = stream(
        *PRETRAINED, "--allow-late", "7", "--state", "s", lines=[again, {"op": "drop", "unique_id": "b"}]
    )
    assert "1 series known" in shown
    assert said[0]["late"] == 1
    assert "'b'" in said[1]["error"]
    assert (
        "must come after allow_late"
        in stream(*PRETRAINED, lines=[*days(1, 2), {"op": "correct", **days(1, 1)[0]}])[0][2]["error"]
    )


def test_covariates_come_along_and_ahead(here):
    """Observations of a model with covariates bring theirs, and what is known of the future is announced."""
    start, hour = dt.datetime(2024, 1, 1), dt.timedelta(hours=1)
    rows = [{"unique_id": "a", "ds": start + t * hour, "y": 50.0 + t % 24, "heat": 10.0 + t % 24} for t in range(210)]
    told = Forecaster(3, effort="fast", options={"steps": 5, "start": "scratch"})
    told.fit(pl.DataFrame(rows[:200]), covariates={"heat": "future"}).save("told")
    rows = [{**row, "ds": row["ds"].isoformat()} for row in rows]
    ahead = [{"op": "announce", **{name: row[name] for name in ("unique_id", "ds", "heat")}} for row in rows[200:206]]
    said, _ = stream(
        "told", "--level", "80", lines=[*ahead, *rows[200:203], {"unique_id": "a", **rows[203], "heat": "hot"}]
    )
    live = load("told", runtime="onnx").live()
    live.announce(rows[200:206])
    assert "note" in said[0]
    assert said[5]["op"] == "announce"
    np.testing.assert_allclose(said[5]["LSTM"], live.forecast().median[0], rtol=1e-6)
    live.update(rows[200:203])
    np.testing.assert_allclose(said[8]["LSTM"], live.forecast().median[0], rtol=1e-6)
    assert "'heat'" in said[9]["error"]
    assert "--op-col must be no column" in stream("told", "--op-col", "heat", lines=[], code=2)[1]


def test_the_state_is_taken_up_again(here):
    """Two runs with a state say what one run says."""
    lines = [*days(1, 20), *days(3, 28, name="b")]
    whole, _ = stream(*PRETRAINED, lines=lines)
    first, _ = stream(*PRETRAINED, "--state", "live.state", lines=lines[:25])
    second, shown = stream(*PRETRAINED, "--state", "live.state", lines=lines[25:])
    assert [*first, *second] == whole
    assert "going on from live.state" in shown
    assert stream(*PRETRAINED, "--state", "live.state", lines=[])[0] == []
    _, shown = stream("--pretrained", "--freq", "h", "--state", "live.state", lines=[], code=1)
    assert "the snapshot must be of the model" in shown
    assert "Give the --freq, --season-length, --history and --weights of the run that saved it" in shown
    other = ("--pretrained", "--season-length", "7,365", "--freq", "h", "--state", "live.state")
    assert "--freq must be D, as the stream was begun, but got h" in stream(*other, lines=[], code=2)[1]


def test_a_model_goes_on_from_what_it_knows(model):
    """A saved model goes on from the series it was fitted on, at the names of their columns, or from a table."""
    newer = [{"unique_id": "series_0", "ds": "2024-01-25", "y": 3.5}, {"unique_id": "x", "ds": "2024-01-25", "y": 1}]
    said, _ = stream("model", lines=newer)
    live = load("model", runtime="onnx").live()
    live.update(newer)
    np.testing.assert_allclose(said[0]["LSTM"], live.forecast(ids="series_0").median[0], rtol=1e-6)
    assert [len(answer["ds"]) for answer in said] == [3, 3]
    assert said[0]["ds"][0] == "2024-01-26"
    pl.read_csv("sales.csv").filter(pl.col("ds") <= "2024-01-20").write_csv("older.csv")
    said, shown = stream("model", "--history", "older.csv", "--state", "s", lines=[{**newer[0], "ds": "2024-01-21"}])
    assert "ready: 2 series known, horizon 3" in shown
    assert "skipped" not in said[0]
    said, shown = stream("model", "--state", "s", "--horizon", "1", lines=[{**newer[0], "ds": "2024-01-22"}])
    assert said[0]["ds"] == ["2024-01-23"]


def test_the_package_goes_on_from_a_table(here):
    """With a history, seasons and intervals are those of the instant forecaster of that table."""
    row = {"unique_id": "series_0", "ds": "2024-01-25", "y": 3.5}
    said, _ = stream("--pretrained", "--horizon", "3", "--history", "sales.csv", lines=[row])
    live = Forecaster.pretrained(3).live("sales.csv")
    live.update(row)
    np.testing.assert_allclose(
        said[0]["LSTM-lo-95"], live.forecast(level=95, ids="series_0").values[0, :, 0], rtol=1e-6
    )


def test_columns_and_times_may_have_other_names(here):
    """Names are those that are given; whole numbers need no frequency, and without a season the horizon is 1."""
    names = ("--id-col", "shop", "--time-col", "t", "--target-col", "units")
    said, _ = stream("--pretrained", *names, lines=[{"shop": "a", "t": t, "units": t} for t in range(4)])
    assert [(answer["shop"], answer["t"]) for answer in said] == [("a", [t + 1]) for t in range(4)]


def test_the_end_of_the_calendar_is_no_end(here):
    """A date whose forecast lies beyond the year 9999 is told, a number that is no date too, and the next is read."""
    far = {"unique_id": "far", "ds": "9999-12-31", "y": 1}
    said, _ = stream(*PRETRAINED, lines=[far, *days(1, 2)])
    assert said[0]["note"].startswith("forecasts must lie before the year 10000")
    assert ["LSTM" in answer for answer in said] == [False, True, True]
    said, _ = stream("--pretrained", lines=['{"ds": 1' + "0" * 400 + ', "y": 1}\n', {"ds": 1, "y": 1}])
    assert "'ds' must be a whole number" in said[0]["error"]
    assert said[1]["ds"] == [2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--pretrained", "--allow-late", "-1"), "allow_late must be"),
        (("--pretrained", "--fsync"), "--fsync and --save-every must be given with --state"),
        (("--pretrained", "--save-every", "5"), "--fsync and --save-every must be given with --state"),
        (("--pretrained", "--state", "s", "--save-every", "0"), "save_every must be"),
        (("--pretrained", "--scores", "s.csv"), "--scores must be given with --watch"),
        (("--pretrained", "--watch", "--scores", "s.txt"), "--scores must end in .csv"),
        (("--pretrained", "--watch", "--scores", "sales.csv"), "--scores must not hold results already"),
        (("--pretrained", "--op-col", "ds"), "--op-col must be no column of the table, but 'ds' is one"),
        (("--pretrained", "--target-col", "op"), "--op-col must be no column of the table, but 'op' is one"),
        ((), "either a MODEL or --pretrained"),
        (("model", "--pretrained"), "either a MODEL or --pretrained"),
        (("--pretrained", "--horizon", "0"), "horizon must be"),
        (("--pretrained", "--freq", "fortnight"), "freq must be one of"),
        (("--pretrained", "--level", "120"), "level must be between"),
        (("--pretrained", "--state", "no/such/folder/s"), "--state must be a file in a folder that exists"),
        (("model", "--season-length", "7"), "--season-length must be left out with a MODEL"),
        (("model", "--weights", "tiny"), "--weights must be left out with a MODEL"),
        (("--pretrained", "--weights", "huge"), "weights must be one of tiny"),
    ],
)
def test_wrong_use_is_told_before_anything_is_read(here, words, said):
    """Contradictions and impossible numbers end with code 2 and a sentence."""
    assert said in stream(*words, lines=[], code=2)[1]


def test_a_damaged_state_is_refused_and_stays(here):
    """What is no state is not overwritten."""
    (here / "s").write_bytes(b"mine")
    _, shown = stream("--pretrained", "--state", "s", lines=[{"ds": 1, "y": 2}], code=1)
    assert "the snapshot must be" in shown
    assert (here / "s").read_bytes() == b"mine"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_lines_are_answered_at_once_and_stopping_saves(here, number):
    """An answer comes while the input is still open; asked to stop, the program saves its state and ends."""
    words = [PROGRAM, "stream", *PRETRAINED, "--state", "s"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        for row in days(1, 3):
            running.stdin.write(json.dumps(row).encode() + b"\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["unique_id"] == "a"
        os.kill(running.pid, number)
        _, shown = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert b"Traceback" not in shown
    said, _ = stream(*PRETRAINED, "--state", "s", lines=days(4, 4))
    assert "skipped" not in said[0]


def test_it_needs_no_torch(here):
    """The whole way from start to forecast loads no torch, also where it is installed."""
    code = (
        "import sys; sys.argv = ['foregate', 'stream', '--pretrained']\n"
        "from foregate.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=b'{"ds": 1, "y": 2}\n', capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["ds"] == [2]


def test_a_stream_that_learns(here):
    """With --learn steps are answered as kept or rolled back, and what was learnt is taken up again."""
    rng = np.random.default_rng(0)
    lines = [{"unique_id": "a", "ds": t, "y": 50 + 8 * float(np.sin(t / 2)) + rng.normal()} for t in range(450)]
    words = ("--pretrained", "--horizon", "4", "--season-length", "1", "--learn", "--state", "live.state")
    said, _ = stream(*words, lines=lines[:320])
    assert {answer["learned"] for answer in said if "learned" in answer} <= {"kept", "rolled back"}
    assert any("learned" in answer for answer in said)
    parts = stream(*words, lines=lines[320:])[0]
    whole = stream(*words[:-2], lines=lines)[0]
    np.testing.assert_allclose([each["LSTM"] for each in [*said, *parts]], [each["LSTM"] for each in whole], rtol=1e-6)
