"""A table from an http(s) address."""

from __future__ import annotations

import posixpath
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException

from foregate.core import DataError
from foregate.core.addresses import shown_address

__all__ = ["download"]

_TYPES = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/x-ndjson": ".ndjson",
    "application/vnd.apache.parquet": ".parquet",
}


def download(url: str, timeout_s: float) -> tuple[bytes, str, str]:
    """The bytes behind an address, the name of the file, and the suffix that tells its format.

    Args:
        url: an http or https address.
        timeout_s: seconds to wait for the server.

    Raises:
        DataError: the server cannot be reached, is too slow, or answers with an error or a web page.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError as error:
        raise DataError(f"the address must be one that can be asked, but it is not: {error}. Check it.") from None
    shown = shown_address(url)
    name = posixpath.basename(parts.path) or str(parts.hostname)
    request = urllib.request.Request(url, headers={"User-Agent": "foregate", "Accept": "*/*"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            kind = answer.headers.get_content_type()
            raw: bytes = answer.read()
    except urllib.error.HTTPError as error:
        raise DataError(
            f"{shown!r} must answer with a table, but got {error.code} {error.reason}. Check the address."
        ) from None
    except (urllib.error.URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise DataError(
                f"{shown!r} must answer within {timeout_s:g} seconds, but it did not. Try again, or give it longer: "
                "options=ReadOptions(timeout_s=…)."
            ) from None
        raise DataError(f"{shown!r} must be reachable, but it is not: {reason}. Check the address.") from None
    if kind == "text/html":
        raise DataError(f"{shown!r} must answer with a table, but got a web page. Use the address of the file itself.")
    suffix = posixpath.splitext(name.removesuffix(".gz"))[1].lower()
    return raw, name, suffix or _TYPES.get(kind, "")
