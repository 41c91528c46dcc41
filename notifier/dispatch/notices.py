"""What the operator hears of a destination in trouble: once when it is held, once when it works again.

Of the hold it hears elsewhere; of its end there too, where people otherwise wonder at old messages.
"""

from datetime import UTC, datetime

from notifier.dispatch.holds import alarming
from notifier.model import Hold, Notice, NoticeType, Policy
from notifier.model.event import digest
from notifier.ports import Routed

_MINUTE = "%Y-%m-%d %H:%M"


def told(
    policy: Policy, alarmed: Hold | None, hold: Hold | None, delivered: bool, now: float, operator: tuple[str, ...]
) -> tuple[Routed, ...]:
    """The notices that a change of the hold brings. `alarmed` is the hold that was told of last and is not over.

    The id comes from the destination and the hold's beginning, so that the store takes each notice once.
    """
    others = tuple(name for name in operator if name != policy.name)
    if others and hold is not None and alarming(hold) and (alarmed is None or alarmed.since != hold.since):
        return (Routed(_held(policy, hold, now), others),)
    if operator and hold is None and alarmed is not None and delivered:
        return (Routed(_recovered(policy, alarmed, now), operator),)
    return ()


def end_of(held: str) -> str:
    """The id of the notice that takes back the one of this id: whoever has both still to tell finds them by it."""
    return digest(held, NoticeType.DESTINATION_RECOVERED)


def _held(policy: Policy, hold: Hold, now: float) -> Notice:
    what_next = (
        "It is not tried again until its settings change, or `notifier outbox retry --all` asks for it."
        if hold.until is None
        else "It is tried again by itself, with growing pauses; once it works, nothing else needs to be done."
    )
    return Notice(
        id=_id_of(policy, hold),
        type=NoticeType.DESTINATION_HELD,
        time=datetime.fromtimestamp(now, UTC),
        title=f"Destination {policy.name} takes no messages",
        lines=(f"Its last answer: {hold.reason}", f"Its messages are kept. {what_next}"),
    )


def _recovered(policy: Policy, alarmed: Hold, now: float) -> Notice:
    since, until = (datetime.fromtimestamp(at, UTC) for at in (alarmed.since, now))
    return Notice(
        id=end_of(_id_of(policy, alarmed)),
        type=NoticeType.DESTINATION_RECOVERED,
        time=until,
        title=f"Destination {policy.name} takes messages again",
        lines=(f"It was held from {since:{_MINUTE}} to {until:{_MINUTE}} UTC; what waited comes now, and late.",),
    )


def _id_of(policy: Policy, hold: Hold) -> str:
    return digest(policy.name, NoticeType.DESTINATION_HELD, repr(hold.since))
