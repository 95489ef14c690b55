"""What is imported is declared, what is declared is pinned, and an extra that an error names is there."""

import ast
import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.house import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PINNED = dict(re.findall(r"^([\w.-]+)==(\S+)$", (REPOSITORY / "constraints.txt").read_text(), flags=re.MULTILINE))
GUESTS = {"pandas", "pyarrow"}
"""Not declared: whoever gets a frame of theirs back has come with one."""
IMPORTED_AS = {"prometheus-client": "prometheus_client", "pydantic-settings": "pydantic_settings", "pyjwt": "jwt"}
"""What is imported by another name than it is installed."""
OWN = {"service": "serve", "client": "client"}
"""Layers that nobody can use without their extra: their modules may import what it brings as they are loaded."""
TREES = {path: ast.parse(path.read_text()) for path in sorted((REPOSITORY / "src").rglob("*.py"))}


def libraries(requirements):
    """The names of the libraries that are required."""
    names = {Requirement(each).name for each in requirements} - {"foregate"}
    return {IMPORTED_AS.get(name, name) for name in names}


def imported(tree, *, everywhere):
    """The libraries outside the standard one that a module imports: on being loaded, or anywhere in it."""
    nodes = ast.walk(tree) if everywhere else tree.body
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"foregate"}


def test_every_import_is_declared():
    """Whatever the package imports is a dependency, or in an extra that people can install."""
    declared = libraries(PROJECT["dependencies"]) | GUESTS
    for name in EXTRAS.keys() - {"dev"}:
        declared |= libraries(EXTRAS[name])
    used = set().union(*(imported(tree, everywhere=True) for tree in TREES.values()))
    assert used <= declared, f"imported but not declared: {sorted(used - declared)}"
    assert {"numpy", "polars"} <= used


def test_the_base_install_suffices_to_import():
    """At the top of a module stands what the base install brings; torch too in networks; a layer's own extra."""
    allowed = libraries(PROJECT["dependencies"]) | {"torch"}
    own = {layer: libraries(EXTRAS[extra]) for layer, extra in OWN.items()}
    layers = {path: path.relative_to(REPOSITORY / "src" / "foregate").parts[0] for path in TREES}
    beyond = {
        str(path): imported(tree, everywhere=False) - allowed - own.get(layers[path], set())
        for path, tree in TREES.items()
    }
    assert {path: names for path, names in beyond.items() if names} == {}


def test_errors_name_extras_that_exist():
    """Every extra that a `MissingExtraError` sends people to is one they can install."""
    named = set()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "MissingExtraError":
                named |= {each.value for each in node.args[1:] if isinstance(each, ast.Constant)}
    assert named <= EXTRAS.keys()


def test_readme_lists_the_extras():
    """The table of what to install has a line for every extra, and no other."""
    listed = re.findall(
        r'^\| `(?:pip install )?"foregate\[(\w+)\]"', (REPOSITORY / "README.md").read_text(), re.MULTILINE
    )
    assert sorted(listed) == sorted(EXTRAS)


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_the_constraints_pin_what_is_declared(extra):
    """Every dependency has an exact version in constraints.txt, within its range."""
    pinned = {name.lower().replace("_", "-"): Version(version) for name, version in PINNED.items()}
    for each in map(Requirement, EXTRAS[extra] if extra else PROJECT["dependencies"]):
        assert each.name == "foregate" or each.specifier.contains(pinned[each.name.lower()]), each


def test_the_constraints_are_for_everyone():
    """Constraints name versions, and neither places nor builds of one machine."""
    text = (REPOSITORY / "constraints.txt").read_text()
    assert all(line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in text.splitlines())
