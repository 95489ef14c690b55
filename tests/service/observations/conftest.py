"""Databases of each kind: what holds on one holds on the other."""

from tests.service.databases import server, server_url, url

__all__ = ["server", "server_url", "url"]
