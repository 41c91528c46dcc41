"""Whose credentials these are."""

from notifier.errors import CallFailed
from notifier.sources.calls import Calls
from notifier.sources.failures import CredentialsAbsent
from notifier.sources.members import required_text
from notifier.sources.operation import Operation


class Caller:
    """The account of a session's credentials: asked of STS until it is known, then kept."""

    def __init__(self, calls: Calls, account: str | None = None) -> None:
        """`calls` go to STS; with `account`, it is known already."""
        self._calls = calls
        self.known = account

    async def account(self) -> str | None:
        """12 digits; None where STS refuses or cannot be reached. Raises CallFailed where there are no credentials."""
        if self.known is None:
            try:
                self.known = await self._calls.ask(Operation.CALLER, lambda answer: required_text(answer, "Account"))
            except CredentialsAbsent:
                raise
            except CallFailed:
                # Networks without a way to STS are common, and the first ARN tells the same.
                return None
        return self.known
