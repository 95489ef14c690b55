"""What the papers show runs, and the generated pages are current."""

import importlib.util
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks import results_page
from benchmarks.run import logged
from foregate.cli import app
from tests.house import REPOSITORY

PAPERS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
KNOWN = {"", "console", "csv", "json", "pycon", "python", "sh", "text", "toml"}


@dataclass(frozen=True)
class Block:
    """A fenced block of a paper."""

    language: str
    body: str
    line: int
    """The line of the paper that the body begins on."""
    slow: bool
    """Whether the fence says so: it is run by `make slow` only."""


def blocks(text: str) -> list[Block]:
    """The fenced blocks in order, those inside HTML comments too: they prepare what the visible ones use."""
    found = []
    for match in BLOCK.finditer(text):
        language, *tags = match["info"].split() or [""]
        line = text.count("\n", 0, match.start("body")) + 1
        found.append(Block(language, match["body"], line, slow="slow" in tags))
    return found


def run(paper: Path, chosen: list[Block]) -> None:
    """Run the blocks of a paper in order: Python in one namespace, `$ foregate …` as commands."""
    names: dict[str, object] = {"__name__": "__main__"}
    for block in chosen:
        if block.language == "python":
            code = "\n" * (block.line - 1) + block.body  # so that a failure points at the paper's own line
            exec(compile(code, str(paper), "exec"), names)
        elif block.language == "console":
            for command in re.findall(r"^\$ (.*(?:\\\n.*)*)", block.body, flags=re.MULTILINE):
                words = shlex.split(command)
                assert words[0] == "foregate", f"{paper.name}: only foregate's commands are run, not {command!r}"
                done = CliRunner().invoke(app, words[1:])
                assert done.exit_code == 0, f"{paper.name}: {command}\n{done.output}\n{done.exception!r}"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_block_runs(paper, elsewhere):
    """The Python and command blocks of README and docs run as they stand, one after the other."""
    run(paper, [block for block in blocks(paper.read_text()) if not block.slow])


@pytest.mark.slow
@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_block_runs_slow_ones_too(paper, elsewhere):
    """With the blocks that take minutes, too."""
    chosen = blocks(paper.read_text())
    if not any(block.slow for block in chosen):
        pytest.skip("this paper has no slow blocks")
    run(paper, chosen)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_fences_are_known(paper):
    """No block escapes by a misspelt language, and every fence that is opened is closed."""
    text = paper.read_text()
    assert {block.language for block in blocks(text)} <= KNOWN
    assert len(re.findall(r"^```", text, flags=re.MULTILINE)) == 2 * len(blocks(text))


def test_a_block_that_fails_is_noticed(elsewhere):
    """The runner itself can fail: with the error, at the line of the paper, and on a command that does not exist."""
    with pytest.raises(ZeroDivisionError) as caught:
        run(Path("paper.md"), blocks("one\n\n```python\nx = 1\n```\n\n<!--\n```python\nx / 0\n```\n-->\n"))
    assert caught.traceback[-1].lineno == 8
    with pytest.raises(AssertionError, match="only foregate's commands"):
        run(Path("paper.md"), blocks("```console\n$ forgate --help\n```\n"))


@pytest.mark.parametrize("name", ["build_api", "build_card", "build_cli", "build_lab", "build_models"])
def test_generated_pages_are_current(name):
    """What `make docs` writes is what it would write now."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    assert builder.PAGE.read_text(encoding="utf-8") == builder.page(), f"{builder.PAGE} is stale: run make docs"


def test_figures_are_those_of_the_log():
    """RESULTS.md and the README's scoreboard are what the lines of the runner come to."""
    stale, lines = "is stale: run python -m benchmarks.results_page", logged()
    assert results_page.PAGE.read_text(encoding="utf-8") == results_page.page(lines), f"RESULTS.md {stale}"
    text = results_page.README.read_text(encoding="utf-8")
    assert text == results_page.readme(text, lines), f"the scoreboard of README.md {stale}"


def told() -> list[str]:
    """The commands that are shown and not run: blocks of the shell, words between backticks, comments of deploy."""
    texts = [path.read_text() for path in (*PAPERS, *sorted((REPOSITORY / "deploy").rglob("*"))) if path.is_file()]
    lines = [line for text in texts for block in blocks(text) if block.language == "sh" for line in shell(block.body)]
    found = [line for line in lines if line.startswith("foregate ")]
    for text in texts:
        found += re.findall(r"(?<!`)`(?:\$ )?(foregate [a-z][^`]*)`(?!`)", text)
        found += re.findall(r"^# .*?\b(foregate (?:keys|serve|worker|backup|config) [^`#>]*)", text, flags=re.MULTILINE)
    return sorted(set(found))


def shell(body: str) -> list[str]:
    """The lines of a block of the shell, those that are carried on as one."""
    return [line.strip() for line in body.replace("\\\n", " ").splitlines()]


def test_commands_that_are_shown_have_their_options():
    """Commands that papers and deployments show, and nobody runs, are of verbs and options that there are."""
    shown = told()
    assert "foregate keys list --data-dir service" in shown
    wrong = []
    for command in shown:
        words = shlex.split(command.replace("[", "").replace("]", ""), comments=True)[1:]
        cut = next((i for i, word in enumerate(words) if word in ("<", ">", "|")), len(words))
        done = CliRunner().invoke(app, [*words[:cut], "--help"])  # options are read, and nothing is done
        if done.exit_code != 0:
            wrong.append(command)
    assert wrong == []


def test_commands_of_benchmarks_are_there():
    """What papers tell to run by `python -m benchmarks…` is a module; the log of what was tried is older."""
    papers = {*PAPERS, *REPOSITORY.glob("*.md"), REPOSITORY / "benchmarks" / "README.md", REPOSITORY / "Makefile"}
    named = {name for paper in papers for name in re.findall(r"python -m (benchmarks(?:\.\w+)*)", paper.read_text())}
    assert named > {"benchmarks.run"}
    assert [name for name in sorted(named) if importlib.util.find_spec(name) is None] == []


@pytest.mark.parametrize("paper", sorted({*PAPERS, *REPOSITORY.glob("*.md")}), ids=lambda paper: paper.name)
def test_links_lead_somewhere(paper):
    """Every relative link and picture of the papers is there."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", paper.read_text())
    assert [target for target in targets if not (paper.parent / target).exists()] == []
