"""`foregate suggest` on the command line."""

import json
import re
import shlex


def test_a_suggestion_is_printed(run):
    """The length with its ways, the settings, and the command that follows from them."""
    said = run("suggest", "sales.csv", "--horizon", "3", "--no-train", "-q").stdout
    for word in ("Length", "seasonality", "Settings", "hidden", "foregate fit sales.csv --horizon 3"):
        assert word in said


def test_files_and_json_hold_the_same(run, here):
    """A page and a document in the folder; what was there is not overwritten unasked."""
    words = ("suggest", "sales.csv", "--horizon", "3", "--no-train", "--out", "found")
    told = json.loads(run(*words, "--json").stdout)
    assert json.loads((here / "found" / "suggestion.json").read_text()) == {
        k: v for k, v in told.items() if k != "files"
    }
    assert "<svg" in (here / "found" / "suggestion.html").read_text()
    assert "suggestion.html" in run(*words, code=2).output


def test_wrong_use_is_told(run):
    """A budget of nothing, and a test part that leaves nothing."""
    assert "budget must be" in run("suggest", "sales.csv", "--horizon", "3", "--budget", "0", code=2).output
    assert "held back" in run("suggest", "sales.csv", "--horizon", "3", "--test", "24", "--no-train", code=1).output


def test_the_command_that_follows_reads_the_same_table(run, here):
    """It has the options that this one was given, and names with blanks in quotes."""
    table = (here / "sales.csv").read_text().splitlines()
    name, *_ = table[0].split(",")
    (here / "my sales.csv").write_text("\n".join([table[0].replace(name, "the shop"), *table[1:]]))
    words = ("my sales.csv", "--id-col", "the shop", "--duplicates", "last", "--horizon", "3")
    said = " ".join(run("suggest", *words, "--no-train", "-q").stdout.split())
    (command,) = re.findall(r"foregate (fit .*?--out model.*)", said)
    assert shlex.split(command)[:6] == ["fit", "my sales.csv", "--id-col", "the shop", "--duplicates", "last"]
    run(*shlex.split(command), "--effort", "instant", "-q")
