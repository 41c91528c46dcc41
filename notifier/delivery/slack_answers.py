"""What Slack's answers mean. Pure: whose failure each is, and what people can do about it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from notifier.delivery.http import LONGEST_WAIT, Answer
from notifier.errors import CardLost, DeliveryError, Fault
from notifier.rendering.slack import mention_markup

_LATER = frozenset({"ratelimited", "rate_limited", "service_unavailable", "request_timeout"})
_AMBIGUOUS = frozenset({"fatal_error", "internal_error"})
_OF_THE_MESSAGE = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_attachments",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "too_many_attachments",
    }
)
_LOST = frozenset(
    {
        "message_not_found",
        "edit_window_closed",
        "cant_update_message",
        "thread_not_found",
        "cannot_reply_to_message",
    }
)
"""Of a message that is edited or answered: post it anew."""

_ANEW = "make a new token: your app, OAuth & Permissions"
_INVITE = "invite the app into the channel: /invite @its-name"
_ADVICE = {
    "invalid_auth": f"the token is wrong or revoked; {_ANEW}",
    "not_authed": f"the token is empty; {_ANEW}",
    "token_revoked": f"the token was revoked; {_ANEW}",
    "token_expired": f"the token has expired; {_ANEW}",
    "account_inactive": f"the app was removed, or its workspace; {_ANEW}",
    "channel_not_found": f"there is no such channel, or it is private: {_INVITE}",
    "not_in_channel": f"{_INVITE}, or give it the scope chat:write.public",
    "is_archived": "the channel is archived: unarchive it, or name another",
    "restricted_action": "an administrator forbids posting here: name another channel",
    "restricted_action_thread_only_channel": "only threads may be written to here: name another channel",
    "no_permission": "an administrator forbids what the app does",
    "team_access_not_granted": "the app is not approved for this workspace",
}
_CODE = re.compile(r"[a-z][a-z_]{1,59}")


def checked_mention(who: str) -> str:
    """Somebody to mention; ValueError for anything else."""
    mention_markup(who)
    return who


def asked_to_wait(answer: Answer) -> float | None:
    """Seconds that Slack asks to wait: in the header, or only in the body."""
    if answer.retry_after is not None:
        return answer.retry_after
    try:
        return max(0.0, min(float(_read(answer)["retry_after"]), LONGEST_WAIT))
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def checked(answer: Answer) -> Mapping[str, Any]:
    """The answer of a Web API method that did what was asked; raises CardLost, or DeliveryError.

    HTTP 200 says nothing yet: the body does, `ok` and else `error`. A code is repeated, any other text is not.
    """
    said = _read(answer)
    if answer.status == 200 and said.get("ok") is True:
        return said
    code = str(said.get("error", ""))
    code = code if _CODE.fullmatch(code) else ""
    told = f"Slack answered {code or answer.status}{_advice(code, said)}"
    if code in _LOST:
        raise CardLost(told)
    raise _failure(answer, code, told)


def _failure(answer: Answer, code: str, told: str) -> DeliveryError:
    wait = asked_to_wait(answer)
    if code in _OF_THE_MESSAGE:
        return DeliveryError(told, Fault.MESSAGE)
    if answer.status == 429 or code in _LATER:
        return DeliveryError(told, Fault.NOBODY, after=wait)
    if answer.status == 503 and wait is not None:
        return DeliveryError(told, Fault.NOBODY, after=wait, ambiguous=True)
    # A 200 without a word of Slack's comes from something in between, and nobody knows what became of the message.
    doubtful = answer.status >= 500 or code in _AMBIGUOUS or (answer.status == 200 and not code)
    return DeliveryError(told, Fault.DESTINATION, after=wait, ambiguous=doubtful)


def _advice(code: str, said: Mapping[str, Any]) -> str:
    if code == "missing_scope":
        needed = said.get("needed")
        scope = needed if isinstance(needed, str) and re.fullmatch(r"[a-z:._,]{1,80}", needed) else "chat:write"
        return f" (give the app the scope {scope}, and install it again)"
    return f" ({_ADVICE[code]})" if code in _ADVICE else ""


def _read(answer: Answer) -> Mapping[str, Any]:
    try:
        said = json.loads(answer.body or b"")
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
