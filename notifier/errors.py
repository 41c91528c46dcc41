"""Failures, named by what the caller does next. Their texts are made at the border and hold no secret."""

import errno
import os
from dataclasses import dataclass
from enum import StrEnum


class NotifierError(Exception):
    """Anything that a user may be told of in one line."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting: the variable, and what to do about it."""

    variable: str
    message: str


class SettingsError(NotifierError):
    """The settings are wrong: say every problem at once, exit 2."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{each.variable}: {each.message}" for each in problems))
        self.problems = problems


class AddressUnusable(SettingsError):
    """No server can be put at the address that `variable` names. `taken`: another program has it."""

    def __init__(self, variable: str, host: str, port: int, error: OSError, *, instead: str) -> None:
        self.taken = error.errno == errno.EADDRINUSE
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__([Problem(variable, f"cannot listen on {address}: {_unlistened(error)}; {instead}")])


def _unlistened(error: OSError) -> str:
    """Why nobody can listen there. The error's own text is not for people: asyncio puts a socket's address into it."""
    match error.errno:
        case errno.EADDRINUSE:
            return "another program does"
        case errno.EACCES | errno.EPERM:
            return "this user may not, for ports below 1024 are reserved"
        case int() as number if number > 0 and number != errno.EADDRNOTAVAIL:
            return os.strerror(number)
    return "that is no address of this machine"


class Cause(StrEnum):
    """Why a call to AWS failed, as far as an operator needs to know."""

    THROTTLED = "throttled"
    DENIED = "denied"
    CREDENTIALS = "credentials"
    UNREACHABLE = "unreachable"
    DEADLINE = "deadline"
    MALFORMED = "malformed"
    SERVER = "server"
    REFUSED = "refused"


class CallFailed(NotifierError):
    """A call to AWS failed after its retries: look again at the next sweep. `action` is the IAM action it needs."""

    def __init__(self, cause: Cause, text: str, action: str | None = None) -> None:
        super().__init__(text)
        self.cause = cause
        self.action = action


class JobMissing(NotifierError):
    """AWS knows no tuning job of this name (ResourceNotFound)."""


class Fault(StrEnum):
    """Whose failure a refused delivery is."""

    MESSAGE = "message"
    """Never again: a dead letter."""
    DESTINATION = "destination"
    """Hold the destination, try again with growing pauses."""
    NOBODY = "nobody"
    """Wait as told; costs no attempt."""
    GONE = "gone"
    """The destination is gone for good: hold it until its settings change."""


class DeliveryError(NotifierError):
    """A destination did not take a message. `after` is seconds to wait at least; `ambiguous`: it may have arrived."""

    def __init__(self, text: str, fault: Fault, *, after: float | None = None, ambiguous: bool = False) -> None:
        super().__init__(text)
        self.fault = fault
        self.after = after
        self.ambiguous = ambiguous


class CardLost(NotifierError):
    """A message cannot be edited or answered any more: it was deleted, or grew too old. Post it anew."""


class LeaseLost(NotifierError):
    """Another worker does this duty now: stop doing it; nothing was committed."""


class StoreUnusable(NotifierError):
    """The database cannot be used at all (newer, not a database, locked by another run): exit 2, file untouched."""


class StoreUnavailable(NotifierError):
    """The database does not answer now (full, locked, I/O error): nothing was committed, try again."""
