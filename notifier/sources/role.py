"""A role in another account: assumed when a call needs it, and anew before what STS gave for it expires."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiobotocore.credentials import AioCredentialResolver, AioDeferredRefreshableCredentials
from aiobotocore.session import AioSession
from botocore.exceptions import UnknownRegionError

from notifier.errors import CallFailed, Cause, Problem, SettingsError
from notifier.model.identity import ACCOUNT_HERE
from notifier.sources.calls import Calls
from notifier.sources.failures import CredentialsAbsent
from notifier.sources.members import Answer, Unreadable, required_moment, required_part, required_text
from notifier.sources.operation import Operation

SESSION_NAME = "notifier"
"""Names us in the other account's CloudTrail."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role to make calls in. The external id is no secret, but nobody's business either."""

    arn: str
    external_id: str | None = field(default=None, repr=False)


def role_arn(session: AioSession, role: str, account: str, region: str) -> str:
    """The ARN that NOTIFIER_ROLE, a name or an ARN, comes to for an account and a region. Raises SettingsError."""
    named = role.replace(ACCOUNT_HERE, account)
    partition = _partition(session, region)
    if not named.startswith("arn:"):
        if partition is None:
            problem = f"{region} is in no partition of AWS that is known here; write NOTIFIER_ROLE as an ARN"
            raise SettingsError([Problem("NOTIFIER_REGIONS", problem)])
        return f"arn:{partition}:iam::{account}:role/{named}"
    written = named.split(":")[1]
    if partition not in (None, written):
        problem = f"is an ARN in {written}, but {region} is in {partition}; write the role's name alone"
        raise SettingsError([Problem("NOTIFIER_ROLE", problem)])
    return named


def _partition(session: AioSession, region: str) -> str | None:
    try:
        return str(session.get_partition_for_region(region))
    except UnknownRegionError:
        return None


class RoleCredentials(AioDeferredRefreshableCredentials):
    """What signs the calls of one scope: renewed 15 minutes before it expires; with 10 minutes left, calls wait for it.

    Each scope has its own, from the STS of its region: a region that is down, or not enabled, takes no other with it.
    """

    def __init__(self, role: Role, calls: Calls) -> None:
        """`calls` go to STS with the caller's own credentials, and should try once: whoever needs these tries again."""
        super().__init__(refresh_using=self._assume, method="assume-role")
        self.role = role
        self.issue = 0
        """How often the role was assumed."""
        self._calls = calls
        self._outworn = False

    async def assumed(self) -> str:
        """The role's ARN, once there are credentials for it. Raises CallFailed."""
        await self.get_frozen_credentials()
        return self.role.arn

    async def renew(self, issue: int) -> bool:
        """AWS does not take the credentials of this issue any more; where there are newer ones, it was known.

        True: the next call waits for others.
        """
        self._outworn = self._outworn or issue == self.issue
        return True

    def refresh_needed(self, refresh_in: int | None = None) -> bool:
        """Whether AWS refused them, or they expire in so many seconds."""
        return self._outworn or bool(super().refresh_needed(refresh_in))

    async def _assume(self) -> Mapping[str, str]:
        asked: dict[str, Any] = {"RoleArn": self.role.arn, "RoleSessionName": SESSION_NAME}
        if self.role.external_id is not None:
            asked["ExternalId"] = self.role.external_id
        try:
            given = await self._calls.ask(Operation.ASSUME_ROLE, _credentials, **asked)
        except CredentialsAbsent:
            raise
        except CallFailed as failed:
            raise _refused(failed, self.role) from None
        self.issue += 1
        self._outworn = False
        return given


def role_session(own: AioSession, credentials: RoleCredentials) -> AioSession:
    """A session whose calls these credentials sign. What `own` has read and registered serves it as well."""
    session = AioSession(event_hooks=own.get_component("event_emitter"), include_builtin_handlers=False)
    session.user_agent_extra = own.user_agent_extra
    for component in ("data_loader", "response_parser_factory"):
        session.register_component(component, own.get_component(component))
    # botocore's typing of the chain knows no provider that is asked asynchronously.
    chain = AioCredentialResolver([_Provider(credentials)])  # type: ignore[list-item]
    session.register_component("credential_provider", chain)
    return session


class _Provider:
    """The only provider in a session's chain: a role's credentials are not looked for, they are given."""

    METHOD = "assume-role"

    def __init__(self, credentials: RoleCredentials) -> None:
        self._credentials = credentials

    async def load(self) -> RoleCredentials:
        """The credentials, which ask STS when they are first used."""
        return self._credentials


def _credentials(answer: Answer) -> Mapping[str, str]:
    """As botocore's credentials want them."""
    given = required_part(answer, "Credentials")
    expires = required_moment(given, "Expiration")
    if expires <= datetime.now(UTC):
        raise Unreadable("its credentials have expired already; set this machine's clock")
    return {
        "access_key": required_text(given, "AccessKeyId"),
        "secret_key": required_text(given, "SecretAccessKey"),
        "token": required_text(given, "SessionToken"),
        "expiry_time": expires.isoformat(),
    }


def _refused(failed: CallFailed, role: Role) -> CallFailed:
    """STS says the same of a role that is missing, of its trust policy, and of our own rights: so all are named."""
    if failed.cause is not Cause.DENIED:
        return CallFailed(failed.cause, f"{failed}; the role is {role.arn}", failed.action)
    external_id = "with this NOTIFIER_EXTERNAL_ID" if role.external_id is not None else "without an external id"
    advice = f"see that the role exists and that its trust policy admits notifier's identity {external_id}"
    return CallFailed(failed.cause, f"{failed} on {role.arn}, and {advice}", failed.action)
