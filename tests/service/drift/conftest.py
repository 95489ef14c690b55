"""Databases of each kind with their tables: what holds on one holds on the other."""

from tests.service.databases import database, server, server_url, url

__all__ = ["database", "server", "server_url", "url"]
