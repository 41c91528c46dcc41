"""How one scope's calls reach AWS: with the caller's own credentials, or in a role of the scope's account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from weakref import WeakKeyDictionary

from aiobotocore.session import AioSession

from notifier.ports import Meter
from notifier.sources.caller import Caller
from notifier.sources.calls import Calls, Patience
from notifier.sources.client import Connection, connected
from notifier.sources.pacing import Turnstile
from notifier.sources.role import Role, RoleCredentials, role_session


@dataclass(slots=True)
class _Lent:
    """A connection that many use; it is closed after the last of them."""

    connection: Connection
    users: int = 0


@dataclass(slots=True)
class _Shared:
    """What all scopes have in common that are reached with the same credentials of the caller."""

    turnstile: Turnstile = field(default_factory=Turnstile)
    sts: dict[str, _Lent] = field(default_factory=dict)
    """By region: the same credentials ask for the roles of all accounts."""

    @asynccontextmanager
    async def sts_of(self, session: AioSession, region: str) -> AsyncIterator[Connection]:
        """The connection to the STS of a region."""
        lent = self.sts.setdefault(region, _Lent(Connection(session, "sts", region)))
        lent.users += 1
        try:
            yield lent.connection
        finally:
            lent.users -= 1
            if not lent.users:
                del self.sts[region]
                await lent.connection.close()


_SHARED: WeakKeyDictionary[AioSession, _Shared] = WeakKeyDictionary()


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
    shared = _SHARED.setdefault(session, _Shared())
    calls = partial(Calls, rate=rate, meter=meter, account=account, turnstile=shared.turnstile)
    async with shared.sts_of(session, region) as sts:
        credentials = None
        if role is not None:
            credentials = RoleCredentials(role, calls(sts, patience=replace(brief, attempts=1)))
            session = role_session(session, credentials)
        async with connected(session, service, region, credentials) as connection:
            yield calls(connection, patience=patience), Caller(calls(sts, patience=brief), account, credentials)
