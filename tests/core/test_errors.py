"""Errors: one family, and each also what Python's own handlers expect."""

import inspect

import pytest

from foregate.core import errors


def children():
    """All error classes of the module."""
    return [thing for _, thing in inspect.getmembers(errors, inspect.isclass) if issubclass(thing, Exception)]


def test_one_net_catches_all():
    """Whoever catches ForegateError catches every error that is raised on purpose."""
    assert all(issubclass(each, errors.ForegateError) for each in children())
    assert len(children()) == 7


def test_errors_are_also_pythons_own():
    """Wrong values are ValueErrors, a missing library is an ImportError."""
    assert issubclass(errors.UsageError, ValueError)
    assert issubclass(errors.DataError, ValueError)
    assert issubclass(errors.MissingExtraError, ImportError)


def test_the_tree_is_drawn():
    """The drawing at the top of the module names every class."""
    assert all(each.__name__ in (errors.__doc__ or "") for each in children())


def test_a_missing_extra_says_how_to_get_it():
    """The message has the command that installs what is missing."""
    with pytest.raises(errors.MissingExtraError, match=r'pip install "foregate\[sql\]"') as caught:
        raise errors.MissingExtraError("Reading from a database", "sql")
    assert caught.value.extra == "sql"


def test_training_asks_for_torch(monkeypatch):
    """Where it is installed nothing happens; where it is not, the extra is named."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    errors.require_torch()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(errors.MissingExtraError, match='training needs the "train" extra'):
        errors.require_torch()
