"""Why a PostgreSQL is refused, and how its URL reads in other words."""

import pytest
from sqlalchemy.engine import URL, make_url

from notifier.errors import NotifierError
from notifier.store import examine, open_store
from tests.postgres import PASSWORD

GUEST = "a guest"
"""A role that owns nothing, and whose name has to be quoted."""


async def refusal(url: str, kind: type[NotifierError], *, exclusive: bool = True) -> str:
    """Why the store is refused, in one line without a secret."""
    with pytest.raises(kind) as refused:
        async with open_store(url, exclusive=exclusive):
            pass
    line = str(refused.value)
    assert "\n" not in line and PASSWORD not in line
    return line


async def look_of_check(url: str) -> str:
    """What `check` says of it, good or bad."""
    try:
        return await examine(url)
    except NotifierError as error:
        return str(error)


def name_of(url: str) -> str:
    """The database's own name."""
    return str(make_url(url).database)


def changed(url: str, **parts: str | int) -> str:
    """The URL with other parts."""
    return URL.create(**(make_url(url)._asdict() | parts)).render_as_string(hide_password=False)
