"""The house is as its papers say."""

import ast
import re
import tomllib

import pytest

from tests.house import REPOSITORY, modules

SOURCE = REPOSITORY / "src" / "foregate"
FILES = sorted(SOURCE.rglob("*.py"))
MODULE_LINES = 400
FUNCTION_LINES = 50
TESTED_THROUGH_OTHERS = {
    "cli",
    "core/protocols",  # says what others do
    "evaluation/plan",  # test_backtest
    "evaluation/rolling",  # test_backtest
    "pipeline/start",  # persistence/test_shipped
    "reporting",
    "service/context",  # names the parts; every test of the service
    *(f"streaming/{name}" for name in ("arrivals", "observations", "roster", "rows", "snapshot")),  # test_live
    *(f"streaming/{name}" for name in ("carried", "reader", "speaking")),  # test_live, test_stateful
    *(f"training/{name}" for name in ("checkpoints", "events", "run")),  # test_loop
}
"""Modules, and whole layers, without a file of tests of their own."""


@pytest.fixture(scope="module")
def layers():
    """The layers of the import contract, top to bottom: per line the set of names, brackets included."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    contract = next(each for each in contracts if each["type"] == "layers")
    assert contract["exhaustive"]
    return [{name.strip() for name in line.split("|")} for line in contract["layers"]]


def test_the_page_lists_the_layers_of_the_contract(layers):
    """ARCHITECTURE.md names the layers that import-linter enforces, in the same order."""
    page = (REPOSITORY / "ARCHITECTURE.md").read_text()
    table = page.partition("<!-- layers -->")[2].partition("<!-- /layers -->")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith(("| `", "| (`"))]
    assert [set(cell.replace("`", "").replace(" ", "").split(",")) for cell in rows] == layers


def test_the_readme_tree_lists_the_package():
    """README's file tree has a line, with a comment, for every folder and module at the top of the package."""
    tree = (REPOSITORY / "README.md").read_text().partition("\nsrc/foregate/\n")[2].partition("\ntests/")[0]
    listed = re.findall(r"^  (\w+(?:/|\.py)) +\S.*$", tree, flags=re.MULTILINE)
    there = {path.name for path in SOURCE.glob("*.py")}
    there |= {f"{path.parent.name}/" for path in SOURCE.glob("*/__init__.py")}
    assert sorted(listed) == sorted(there)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_modules_and_functions_can_be_read_in_one_go(path):
    """Modules keep to about 400 lines and functions, docstring aside, to about 40."""
    text = path.read_text()
    assert len(text.splitlines()) <= MODULE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= FUNCTION_LINES, f"{node.name} has {length} lines"


def test_every_module_has_a_file_of_tests():
    """tests/ is the tree of the package: a file per module, or one for a folder of modules."""
    lacking = []
    for path in FILES:
        within = path.relative_to(SOURCE).with_suffix("")
        if within.name.startswith("_") or {str(within), within.parts[0]} & TESTED_THROUGH_OTHERS:
            continue
        mirrors = [within.parent / f"test_{within.name}.py", within.parent.parent / f"test_{within.parent.name}.py"]
        if not any((REPOSITORY / "tests" / mirror).exists() for mirror in mirrors):
            lacking.append(str(within))
    assert lacking == []


def test_nothing_is_pickled():
    """torch's own loading and saving, which pickle, are nowhere used."""
    calls = re.compile(r"torch\.(load|save)\(")
    assert [str(path) for path in FILES if calls.search(path.read_text())] == []


def test_modules_are_found():
    """The list that these contracts go through is not empty."""
    assert {"foregate", "foregate.core.panel"} <= set(modules())
