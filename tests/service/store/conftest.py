"""Databases of each kind."""

from tests.service.databases import database, server, server_url, sqlite, url

__all__ = ["database", "server", "server_url", "sqlite", "url"]
