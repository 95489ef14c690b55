"""Everything that can be set."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from foregate.service.settings import Settings


def every_field(model, within=""):
    """Names and fields of a model and of the models in it."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from every_field(field.annotation, f"{within}{name}.")
        else:
            yield f"{within}{name}", field


def test_every_setting_says_what_it_is():
    """Every setting has a description and a default, so that nothing has to be set to begin."""
    for name, field in every_field(Settings):
        assert field.description, name
        assert not field.is_required(), name


def test_the_environment_sets_one_part_of_a_level(monkeypatch):
    """A variable sets what it names, and leaves the rest of its level as it is."""
    before = Settings().limits
    monkeypatch.setenv("FOREGATE_SERVE_LIMITS__HORIZON", "7")
    after = Settings().limits
    assert (after.horizon, after.series) == (7, before.series)


def test_what_is_unknown_or_impossible_is_refused(monkeypatch):
    """A setting that does not exist or cannot be is an error, not a surprise."""
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Settings(limits={"horizons": 3})
    monkeypatch.setenv("FOREGATE_SERVE_PORT", "70000")
    with pytest.raises(ValidationError, match="less than or equal to 65535"):
        Settings()


def test_the_database_is_a_file_where_nothing_else_is_said():
    """Without a URL the database is SQLite in the data folder."""
    assert Settings(data_dir=Path("there")).database_url == "sqlite:///there/foregate.db"
