"""When to try a destination again. A hold is a value; waiting for it is somebody else's work."""

from notifier.errors import DeliveryError, Fault
from notifier.model import Hold, Policy

STUCK_AFTER = 5
"""Failures of one message after which another job's is tried."""

SHORTEST = 1.0
SOON = 60.0
LATER = 600.0
FIRST_HOUR = 3600.0
OFTEN = 30
"""For so long a pause doubles, up to `SOON`; from then on it is `LATER`, once it failed so often.

An hour of failures brings more of them. Fewer in what the clock calls an hour: it was set, or the machine slept.
"""

PROBE_INTERVAL = 3600.0
"""However long a destination asks to be left alone, it is asked again this often."""

JITTER = 0.2
LONGEST = PROBE_INTERVAL * (1 + JITTER)
"""No wait is longer: a moment further ahead means that the clock was set back."""

ALARMING_WAIT = 900.0


def pause(failures: int, since: float, now: float, dice: float) -> float:
    """Seconds to wait after this many failures in a row since `since`. `dice` is 0 to 1."""
    long = failures >= OFTEN and now - since >= FIRST_HOUR
    calm = LATER if long else min(SOON, SHORTEST * 2.0 ** min(failures - 1, 10))
    return max(SHORTEST, calm * (1 - JITTER + 2 * JITTER * dice))


def asked(after: float, dice: float) -> float:
    """Seconds to wait where a destination said how long: never sooner, but hourly where it asks for more."""
    return max(SHORTEST, min(after, PROBE_INTERVAL)) * (1 + JITTER * dice)


def standing(hold: Hold | None, policy: Policy) -> Hold | None:
    """The hold, unless the destination's settings have changed since: that lifts it."""
    return hold if hold is not None and hold.fingerprint == policy.fingerprint else None


def held(hold: Hold | None, policy: Policy, error: DeliveryError, now: float, dice: float, *, probe: bool) -> Hold:
    """The hold after a failure that is not the message's.

    An answer to a send from before the hold (not `probe`) may make the wait longer, but is not one failure more: four
    sends under way fail together when a destination goes down once.
    """
    since = hold.since if hold else now
    failures = hold.failures if hold else 0
    told_when = error.fault is Fault.NOBODY and error.after is not None
    if (hold is None or probe) and not told_when:
        failures += 1
    return Hold(
        until=_until(error, pause(failures, since, now, dice), now, dice, earlier=None if probe else hold),
        since=since,
        failures=failures,
        reason=str(error),
        fingerprint=policy.fingerprint,
        probing=hold.probing if hold else False,
    )


def alarming(hold: Hold | None) -> bool:
    """Whether an operator should hear of it: more than one message failed, or it will not be over soon."""
    if hold is None:
        return False
    return hold.until is None or hold.failures > STUCK_AFTER or hold.until - hold.since >= ALARMING_WAIT


def _until(error: DeliveryError, grown: float, now: float, dice: float, *, earlier: Hold | None) -> float | None:
    if error.fault is Fault.GONE or (earlier is not None and earlier.until is None):
        return None
    waits = [asked(error.after, dice)] if error.after is not None else []
    if error.fault is not Fault.NOBODY or not waits:
        waits.append(grown)
    # A wait that another answer asked for is not cut short.
    standing_until = now if earlier is None or earlier.until is None else min(earlier.until, now + LONGEST)
    return max(standing_until, now + max(waits))
