"""The caller's own credentials, read anew where AWS does not take them any more: their file may hold others by now."""

import asyncio

from aiobotocore.credentials import AioCredentials
from aiobotocore.session import AioSession

OWN_CREDENTIALS = "notifier_own_credentials"
"""Under this name a session of ours has its one OwnCredentials."""


class OwnCredentials:
    """What signs all calls of one session. Those that expire by themselves are renewed by botocore, before they do."""

    def __init__(self, session: AioSession) -> None:
        self.issue = 0
        """How often others were found."""
        self._session = session
        self._reading = asyncio.Lock()

    async def renew(self, issue: int) -> bool:
        """AWS does not take the credentials of this issue any more; whether there are others now, for every client."""
        async with self._reading:
            if issue != self.issue:
                return True
            known = await self._session.get_credentials()
            # What is derived from this is renewed by itself.
            if type(known) is not AioCredentials:
                return False
            found = await self._session.get_component("credential_provider").load_credentials()
            others = await found.get_frozen_credentials() if found is not None else None
            if others is None or others == await known.get_frozen_credentials():
                return False
            # Every client signs with this very object.
            known.access_key, known.secret_key, known.token = others.access_key, others.secret_key, others.token
            self.issue += 1
            return True
