"""Laws of addresses: a secret is never shown, and what is none stays as it is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core.addresses import shown_address

PIECE = st.text("abc/?#:&=.%-+ ", max_size=12)


@pytest.mark.parametrize("kind", ["postgresql", "mysql+pymysql", "https", "sqlite", "redis"])
@given(before=PIECE, after=PIECE, name=st.sampled_from(["", "ann", "a.b"]))
def test_a_password_is_not_shown(kind, before, after, name):
    """Whatever characters are around it, a password is not in what is shown, and the host is."""
    shown = shown_address(f"{kind}://{name}:{before}SECRET{after}@host:1/base")
    assert "SECRET" not in shown
    assert shown == f"{kind}://host:1/base"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://TOKEN@host/a.csv", "https://host/a.csv"),
        ("https://host/a.csv?key=TOKEN", "https://host/a.csv"),
        ("https://host/a.csv?mail=a@b&key=TOKEN", "https://host/a.csv"),
        ("postgresql://host/base?user=a@b&password=TOKEN", "postgresql://host/base"),
        ("postgresql://ann:one@two@host/base", "postgresql://host/base"),
        ("postgresql:///base", "postgresql:///base"),
        ("sqlite:///folder/a@b.db", "sqlite:///folder/a@b.db"),
        ("folder/a@b.csv", "folder/a@b.csv"),
        ("what?.csv", "what?.csv"),
        (Path("folder") / "a.csv", "folder/a.csv"),
    ],
)
def test_what_is_shown(address, shown):
    """User, password and query go; host, port and path stay, and so does a path."""
    assert shown_address(address) == shown
