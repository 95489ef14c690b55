"""`foregate serve`, `config` and `keys`; that a service runs is in tests/service/test_run.py."""

import json

import pytest

from foregate.service.access.keys import FORM


def test_config_shows_what_would_be_run_with(run, here):
    """The settings of a file and of options come out as JSON, without secrets."""
    (here / "service.toml").write_text('port = 1\n[access]\nsecret = "0123456789abcdefghijklmnopqrstuv"\n')
    text = run("config", "--config", "service.toml", "--host", "0.0.0.0").stdout
    said = json.loads(text)
    assert (said["port"], said["host"]) == (1, "0.0.0.0")
    assert said["access"]["secret"] == "[hidden]"


def test_wrong_settings_end_with_code_2(run, here):
    """Unknown names and open doors are refused before anything is made."""
    (here / "service.toml").write_text("prot = 1\n")
    assert "'prot'" in run("config", "--config", "service.toml", code=2).output
    (here / "service.toml").write_text('host = "0.0.0.0"\n[access]\nrequired = false\n')
    assert "access.required" in run("config", "--config", "service.toml", code=2).output
    assert "access.required" in run("serve", "--config", "service.toml", code=2).output
    assert not (here / "foregate-data").exists()


def test_keys_are_made_listed_rotated_and_revoked(run, here):
    """Keys can be kept from the shell; a list never shows one."""
    known = ("--data-dir", "data")
    key = run("keys", "add", "loader", "--scopes", "read,write", "--days", "2", *known).stdout.strip()
    prefix = FORM.fullmatch(key)[1]
    (line,) = run("keys", "list", *known).stdout.splitlines()
    assert line.startswith(f"{prefix}  loader  read,write  until ")
    new = FORM.fullmatch(run("keys", "rotate", prefix, "--overlap", "0", *known).stdout.strip())[1]
    run("keys", "revoke", f"fg_{new}", *known)  # as a key begins
    old, successor = run("keys", "list", *known).stdout.splitlines()
    assert "expired" in old
    assert "revoked" in successor
    assert key[16:] not in run("keys", "list", *known).stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add",), "must be told a name"),
        (("add", "X Y"), "must be a word"),
        (("add", "x", "--scopes", "root"), "scopes must be some of"),
        (("revoke", "nothing"), "must be of a key"),
    ],
)
def test_impossible_keys_end_with_code_2(run, words, told):
    """What cannot be is told in one sentence."""
    assert told in run("keys", *words, "--data-dir", "data", code=2).output
