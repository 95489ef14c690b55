"""Settings from everywhere, and what must not be among them."""

import json

import pytest

from foregate.core import UsageError
from foregate.service.configuration import check, read, shown


@pytest.fixture
def file(tmp_path):
    """Writes a file of settings."""

    def write(text):
        path = tmp_path / "service.toml"
        path.write_text(text)
        return path

    return write


def test_flags_win_over_the_environment_over_the_file_over_defaults(file, monkeypatch):
    """Each place overrules the ones below it, level by level."""
    path = file('port = 1\nhost = "127.0.0.2"\n[limits]\ndepth = 5\nseries = 6\n[watch]\nmargin = 0.5')
    monkeypatch.setenv("FOREGATE_SERVE_PORT", "2")
    monkeypatch.setenv("FOREGATE_SERVE_LIMITS__DEPTH", "7")
    settings = read(path, {"port": 3, "limits.rows": 9, "host": None})
    assert (settings.port, settings.host) == (3, "127.0.0.2")
    assert (settings.limits.depth, settings.limits.series, settings.limits.rows) == (7, 6, 9)
    assert settings.limits.body_bytes == 8 << 20
    assert settings.watch.margin == 0.5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prot = 1", "'prot'"),
        ("[limits]\nbody_byte = 1", "'limits.body_byte'"),
        ('port = "x"', "port must be a valid integer.*, but got 'x'"),
        ("[limits]\ndepth = 1", "limits.depth must be greater than or equal to .*, but got 1"),
        ("limits = 1", "limits must be .*, but got 1"),
        ('data_dir = ["x"]', "data_dir must be .*, but got another kind"),
        ("[access]\nsecret = 12345", r"access.secret must be [^0-9]*, but got another kind"),
        ("port =", "must be TOML"),
    ],
)
def test_wrong_files_are_refused(file, text, told):
    """Unknown names and impossible values are told by name."""
    with pytest.raises(UsageError, match=told):
        read(file(text))


def test_a_file_that_is_not_there_is_told(tmp_path):
    """A missing file is no empty file."""
    with pytest.raises(UsageError, match=r"there is no .*nothing\.toml"):
        read(tmp_path / "nothing.toml")


@pytest.mark.parametrize("name", ["PROT", "LIMITS__DEPHT", "LIMITS__DEPTH__X", "LIMIT__DEPTH", ""])
def test_misspelt_variables_are_refused(monkeypatch, name):
    """A variable that would set nothing is told, on every level."""
    monkeypatch.setenv(f"FOREGATE_SERVE_{name}", "1")
    with pytest.raises(UsageError, match=f"but got FOREGATE_SERVE_{name}"):
        read()


SECRET = "0123456789abcdefghijklmnopqrstuv"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"host": "0.0.0.0", "access.required": False}, "access.required must be true"),
        ({"host": "example.org", "access.required": False}, "access.required must be true"),
        ({"host": "::", "access.required": False}, "access.required must be true"),
        ({"access.secret": "changeme"}, "access.secret must be random"),
        ({"access.secret": "a" * 64}, "access.secret must be random"),
        ({"access.issuer": "https://x"}, "must be given together"),
        ({"limits.trusted_proxies": ("nobody",)}, "trusted_proxies must be addresses"),
    ],
)
def test_dangerous_settings_are_refused(flags, told):
    """Open doors, simple secrets and half a trust are no way to start."""
    with pytest.raises(UsageError, match=told):
        check(read(flags=flags))


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"host": "0.0.0.0"},
        {"host": "::1", "access.required": False},
        {"access.secret": SECRET, "limits.trusted_proxies": ("10.0.0.0/8",)},
    ],
)
def test_good_settings_are_taken(flags):
    """Without keys on this machine, and with keys anywhere."""
    check(read(flags=flags))


def test_secrets_are_not_shown():
    """What is shown has every setting, and no secret or password of a URL."""
    flags = {
        "access.secret": SECRET,
        "database": "postgresql+psycopg://me:hunter2@host/db",
        "limits.storage": "redis://:hunter2@host",
        "access.jwks_url": "https://me:hunter2@host/keys",
    }
    text = json.dumps(shown(read(flags=flags)))
    assert SECRET not in text
    assert "hunter2" not in text
    assert "postgresql+psycopg://me:***@host/db" in text
    assert "body_bytes" in text
