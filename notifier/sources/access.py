"""How one scope's calls reach AWS: with the caller's own credentials, or in a role of the scope's account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiobotocore.session import AioSession

from notifier.ports import Meter
from notifier.sources.caller import Caller
from notifier.sources.calls import Calls, Patience
from notifier.sources.client import connected
from notifier.sources.role import Role, RoleCredentials, role_session


@asynccontextmanager
async def accessed(
    session: AioSession,
    service: str,
    region: str,
    *,
    rate: float,
    meter: Meter,
    account: str | None,
    role: Role | None,
    patience: Patience | None,
) -> AsyncIterator[tuple[Calls, Caller]]:
    """Calls to a service, and whose they are. `session` is the caller's own; entering it calls nothing."""
    patience = patience or Patience()
    brief = patience.brief()
    async with connected(session, "sts", region) as sts:
        credentials = None
        if role is not None:
            assuming = Calls(sts, rate, meter, replace(brief, attempts=1), account=account)
            credentials = RoleCredentials(role, assuming)
            session = role_session(session, credentials)
        async with connected(session, service, region, credentials) as connection:
            calls = Calls(connection, rate, meter, patience, account=account)
            yield calls, Caller(Calls(sts, rate, meter, brief, account=account), account, credentials)
