"""Whose credentials these are."""

from notifier.errors import CallFailed, Cause
from notifier.sources.calls import Calls
from notifier.sources.failures import CredentialsAbsent
from notifier.sources.members import required_text
from notifier.sources.operation import Operation
from notifier.sources.role import RoleCredentials


class Caller:
    """The account that calls are made in: asked of STS until it is known, then kept."""

    def __init__(self, calls: Calls, account: str | None = None, role: RoleCredentials | None = None) -> None:
        """`calls` go to STS; with `account`, it is known already, and with a role beyond doubt."""
        self.known = account
        self._calls = calls
        self._role = role
        self._doubt = role is None

    async def account(self) -> str | None:
        """12 digits; None where STS refuses or cannot be reached, and no setting names it.

        Raises CallFailed where there are no credentials, or where they are of another account than the settings name.
        """
        if self._doubt:
            named, told = self.known, await self._told()
            if named is not None and told not in (None, named):
                raise CallFailed(
                    Cause.CREDENTIALS,
                    f"the AWS credentials are those of account {told}, not of {named}; "
                    "correct NOTIFIER_ACCOUNTS, or set NOTIFIER_ROLE to a role that is assumed there",
                )
            self.known = named or told
            self._doubt = self.known is None
        return self.known

    async def role(self) -> str | None:
        """The ARN of the role, assumed by now; None where there is none. Raises CallFailed."""
        return await self._role.assumed() if self._role else None

    async def _told(self) -> str | None:
        try:
            return await self._calls.ask(Operation.CALLER, lambda answer: required_text(answer, "Account"))
        except CredentialsAbsent:
            raise
        except CallFailed:
            # Networks without a way to STS are common, and the first ARN tells the same.
            return None
