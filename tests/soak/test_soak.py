"""A soak in small: real workers, kills and a crash of the database, for half a minute."""

from pathlib import Path

import pytest

from soak.run import Soak, soak
from tests.postgres import serving


@pytest.mark.usefixtures("postgres_server")  # Skips where there is none; a server that crashes is one of its own.
async def test_nothing_is_lost_doubled_or_invented_under_kills_throttling_and_broken_receivers(tmp_path: Path) -> None:
    what = Soak(seconds=12.0, jobs=16, accounts=2, workers=2, kill_every=4.0)

    with serving() as server:
        outcome = await soak(what, server, tmp_path)

    assert outcome.violations == []
    assert outcome.endings > 0
