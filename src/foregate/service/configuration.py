"""Settings from everywhere they come from, and what must not be among them."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from foregate.core import UsageError
from foregate.service.settings import Settings

__all__ = ["PREFIX", "check", "read", "shown"]

PREFIX = "FOREGATE_SERVE_"
SHORTEST = 32
HIDDEN = "[hidden]"
SECRETS = ("secret", "database", "storage", "jwks_url")
"""Settings that are, or may have in them, what nobody is told."""


def read(file: Path | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
    """The settings: defaults, then a file, then the environment, then flags.

    Args:
        file: of TOML.
        flags: name -> value; names of levels are parted by dots, None is as if it were not there.

    Raises:
        UsageError: one is unknown or impossible; says which, and where it comes from.
    """
    _check_environment()
    said = _file(file) if file is not None else {}
    given: dict[str, Any] = {}
    for name, value in (flags or {}).items():
        if value is not None:
            *levels, last = name.split(".")
            level = given
            for one in levels:
                level = level.setdefault(one, {})
            level[last] = value
    try:
        return Settings.model_validate(_merged(_merged(said, EnvSettingsSource(Settings)()), given))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UsageError(f"settings must be known ones, but got {name!r}. See: foregate config") from None
        raise UsageError(
            f"the setting {name} must {_wanted(first['msg'])}, but got {_got(name, first['input'])}."
        ) from None


def check(settings: Settings) -> None:
    """Refuse what would be dangerous.

    Raises:
        UsageError: anybody could ask from elsewhere, or sign tokens.
    """
    access = settings.access
    if not access.required and not _loopback(settings.host):
        said = "access.required must be true on an address that others can reach"
        raise UsageError(f"{said}, but got false on {settings.host!r}. Listen on 127.0.0.1, or ask for keys.")
    if access.secret is not None:
        secret = access.secret.get_secret_value()
        if len(secret.encode()) < SHORTEST or len(set(secret)) < 10:
            said = f"access.secret must be random and have at least {SHORTEST} bytes"
            raise UsageError(f"{said}, but got a short or simple one. Leave it out, and one is made.")
    if (access.jwks_url is None) != (access.issuer is None):
        raise UsageError("access.issuer and access.jwks_url must be given together, but got one of them.")
    for text in settings.limits.trusted_proxies:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise UsageError(f"limits.trusted_proxies must be addresses or networks, but got {text!r}.") from None


def shown(settings: Settings) -> dict[str, Any]:
    """The settings for people to see: no secret, no password in a URL."""
    told = settings.model_dump(mode="json")
    for level, name in ((told, "database"), (told["limits"], "storage"), (told["access"], "jwks_url")):
        if level[name]:
            level[name] = _without_password(level[name])
    if told["access"]["secret"]:
        told["access"]["secret"] = HIDDEN
    return told


def _wanted(message: str) -> str:
    """What a value must be, in the words of what has read it."""
    for beginning in ("Input should ", "Input is not "):
        if message.startswith(beginning):
            return f"be {message.removeprefix(beginning).removeprefix('be ')}"
    return f"be possible ({message})"


def _got(name: str, value: object) -> str:
    """What was given instead, where that is short and no secret."""
    plain = isinstance(value, bool | int | float | str) and name.split(".")[-1] not in SECRETS
    return repr(value) if plain else "another kind of value"


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"the settings must be in a file, but there is no {path}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the settings must be TOML, but in {path}: {error}.") from None


def _check_environment() -> None:
    """Refuse variables that would set nothing: a misspelt one is a setting that somebody believes in."""
    for variable in os.environ:
        if not variable.upper().startswith(PREFIX):
            continue
        kind: Any = Settings
        for name in variable[len(PREFIX) :].lower().split("__"):
            fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else {}
            if name not in fields:
                said = f"variables that begin with {PREFIX} must be settings, but got {variable}"
                raise UsageError(f"{said}. See: foregate config")
            kind = fields[name].annotation


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two levels of settings as one; what is above wins."""
    both = dict(below)
    for name, value in above.items():
        lower = both.get(name)
        nested = isinstance(lower, Mapping) and isinstance(value, Mapping)
        both[name] = _merged(lower, value) if nested else value  # type: ignore[arg-type]
    return both


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return HIDDEN
