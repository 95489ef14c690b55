"""The public names: what is listed is there, what is there is listed, and all of it is documented."""

import ast
import inspect
from importlib import import_module

import pytest

import foregate
from tests.house import modules

PUBLIC = list(foregate.__all__)
PACKAGES = [name for name in modules() if name.count(".") == 1]


def test_names_are_sorted_and_distinct():
    """The export list is in order and names nothing twice."""
    assert sorted(set(PUBLIC)) == PUBLIC


def test_type_checkers_see_the_same_names():
    """The imports that type checkers read are those of the table that is used at run time."""
    tree = ast.parse(inspect.getsource(foregate))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == foregate._HOMES


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_exported_by_its_home(name):
    """Every public name is there, and its layer exports it too."""
    home = import_module(foregate._HOMES[name])
    assert getattr(foregate, name) is getattr(home, name)
    assert name in home.__all__


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_documented(name):
    """Every public name has a docstring; all but errors show an example that runs."""
    thing = getattr(foregate, name)
    assert inspect.getdoc(thing), f"{name} has no docstring"
    if inspect.isclass(thing) and issubclass(thing, BaseException):
        return
    members = vars(thing).values() if inspect.isclass(thing) else ()
    texts = [inspect.getdoc(each) or "" for each in (thing, *members)]
    assert any(">>>" in text for text in texts), f"{name} shows no example"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_layer_has_what_it_exports(package):
    """Every name in the export list of a layer is there, once, and is public."""
    module = import_module(package)
    names = list(getattr(module, "__all__", []))
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(module, name)] == []
    assert [name for name in names if name.startswith("_")] == []
