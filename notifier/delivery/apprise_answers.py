"""What Apprise's log tells of a send that failed. Pure: whose failure it is, and what people can do about it."""

import ast
import logging
import re
from collections.abc import Iterator, Sequence

from pydantic import SecretStr

from notifier.delivery.apprise_service import ANSWER, BROKEN, SENT, Heard, Said
from notifier.delivery.refusal import excerpt
from notifier.errors import DeliveryError, Fault

MARKUP_REFUSED = frozenset({400, 413, 415, 422})
"""Answers that may speak of the message, or of its destination: a chat that is not there is a 400 of Telegram's."""
_STATUS = re.compile(r"\berror=\(?([1-5]\d\d)\b")
_SMTP = re.compile(r"\(([45]\d\d), b?['\"]")
_UNREACHED = (
    (
        re.compile(r"certificate.verify.failed|SSLCertVerificationError", re.IGNORECASE),
        "its certificate is not trusted",
    ),
    (re.compile(r"Failed to resolve|Name or service not known|NameResolutionError"), "its host name is not found"),
    (re.compile(r"ConnectTimeoutError|[Cc]onnect timeout"), "no connection in time"),
    (re.compile(r"Unable to connect to proxy|Tunnel connection failed"), "its proxy lets nothing through"),
    (
        re.compile(r"Failed to establish a new connection|Connection refused|unreachable|No route to host"),
        "no connection",
    ),
)
"""Reasons why nothing was sent, in the words of requests, urllib3 and Python."""
_ADVICE = {
    401: "check its URL: the credentials in it are not accepted",
    403: "check its URL: access is refused",
    404: "check its URL: what it names is not there",
    410: "what its URL names is gone: set another",
}
_LOGIN = frozenset({530, 534, 535})


def refusal(service: str, said: Said, url: SecretStr, *, partly: bool = False) -> DeliveryError:
    """The failure that was overheard. `partly`: some of the message arrived, so that all of it is ambiguous.

    No text of Apprise's is repeated; of the server's answer as much as of a webhook's.
    """
    heard = said.heard
    partly = partly or reached_some(heard)
    if said.raised:
        return DeliveryError(f"{service}: Apprise failed ({said.raised})", Fault.DESTINATION, ambiguous=True)
    statuses = statuses_of(heard)
    if statuses:
        return _answered(service, statuses, heard, url, partly=partly)
    broken = " ".join(each.text for each in heard if each.text.startswith(BROKEN))
    if reply := _SMTP.search(broken):
        advice = " (check its URL: user and password are not accepted)" if int(reply[1]) in _LOGIN else ""
        return DeliveryError(f"{service}: the server answered {reply[1]}{advice}", Fault.DESTINATION, ambiguous=partly)
    for pattern, words in _UNREACHED:
        if pattern.search(broken):
            return DeliveryError(f"{service}: {words}", Fault.DESTINATION, ambiguous=partly)
    if broken:
        late = "no answer in time" if "timed out" in broken else "the connection broke"
        return DeliveryError(f"{service}: {late}", Fault.DESTINATION, ambiguous=True)
    # Whatever it was, it may have happened after the message had arrived.
    return DeliveryError(f"{service}: not taken, and Apprise does not say why", Fault.DESTINATION, ambiguous=True)


def reached_some(heard: Sequence[Heard]) -> bool:
    """Whether one at least of several recipients got it."""
    return any(each.level == logging.INFO and each.text.startswith(SENT) for each in heard)


def statuses_of(heard: Sequence[Heard]) -> list[int]:
    """The HTTP statuses of failed requests. They stand in warnings; servers' own words do not."""
    found = (_STATUS.search(each.text) for each in heard if each.level >= logging.WARNING)
    return [int(each[1]) for each in found if each]


def _answered(
    service: str, statuses: Sequence[int], heard: Sequence[Heard], url: SecretStr, *, partly: bool
) -> DeliveryError:
    status = statuses[-1]
    advice = f" ({_ADVICE[status]})" if status in _ADVICE else ""
    if 300 <= status < 400:
        advice = " (redirects are not followed: set the final URL)"
    said = excerpt(next(_bodies(heard), None), url)
    # What one of several recipients answers says little of the others.
    fault = Fault.DESTINATION if partly or len(set(statuses)) > 1 else _fault(status)
    ambiguous = partly or any(each < 300 or each >= 500 for each in statuses)
    return DeliveryError(f"{service} answered {status}{advice}{said}", fault, ambiguous=ambiguous)


def _fault(status: int) -> Fault:
    # A 400 may be the message's failure or the destination's. Which it is, the outbox finds out by the next message.
    return {410: Fault.GONE, 413: Fault.MESSAGE, 429: Fault.NOBODY}.get(status, Fault.DESTINATION)


def _bodies(heard: Sequence[Heard]) -> Iterator[bytes]:
    """What servers answered, the last first; Apprise logs it as a literal of Python's, or as text."""
    for each in reversed(heard):
        if each.text.startswith(ANSWER):
            shown = each.text.removeprefix(ANSWER).strip()
            yield _unquoted(shown) if shown.startswith(("b'", 'b"')) else shown.encode("utf-8", "replace")


def _unquoted(shown: str) -> bytes:
    try:
        value = ast.literal_eval(shown)
    except (ValueError, SyntaxError):
        value = b""
    return value if isinstance(value, bytes) else b""
