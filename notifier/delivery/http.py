"""One bounded POST to somebody else's server. Redirects are not followed, and no failure tells the address."""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
from pydantic import SecretStr
from yarl import URL

from notifier import __version__
from notifier.errors import DeliveryError, Fault

CONNECT, TOTAL = 5.0, 15.0
"""Seconds to connect, and for the whole exchange."""
ANSWER = 64 * 1024
"""The most bytes of an answer that are read."""
_IDLE = 2.0
"""An idle connection is kept so many seconds: servers close theirs after 5, and a POST into a closing one is lost."""

LONGEST_WAIT = 1e10
"""Seconds that a server may ask us to wait; more is no wait any more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `body` is None where its end could not be read in time, `retry_after` in seconds or None."""

    status: int
    body: bytes | None
    retry_after: float | None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Their names in any case."""


def open_http(connect: float = CONNECT, total: float = TOTAL) -> aiohttp.ClientSession:
    """The session for all destinations. It keeps no cookies, heeds no proxy variables and unpacks no answers."""
    return aiohttp.ClientSession(
        # No limit here: each destination has few messages under way, and those that hang must not use up the others'.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE),
        timeout=aiohttp.ClientTimeout(total=total, connect=connect),
        headers={"User-Agent": f"notifier/{__version__}", "Accept-Encoding": "identity"},
        cookie_jar=aiohttp.DummyCookieJar(),
        # A small answer can unpack to gigabytes.
        auto_decompress=False,
        trust_env=False,
    )


async def post(http: aiohttp.ClientSession, url: SecretStr, body: bytes, headers: dict[str, str]) -> Answer:
    """Send once. Raises DeliveryError where no answer came, `ambiguous` unless the server was never reached."""
    try:
        async with http.post(url.get_secret_value(), data=body, headers=headers, allow_redirects=False) as answer:
            waiting = retry_after(answer.headers.get("Retry-After"), answer.headers.get("Date"))
            return Answer(answer.status, await _read(answer), waiting, answer.headers)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise _unanswered(error) from None


async def probe(url: SecretStr) -> str:
    """Open a connection (TLS included) and close it, without a request; one line for people, or DeliveryError."""
    address = URL(url.get_secret_value())
    secure = address.scheme == "https"
    try:
        async with asyncio.timeout(CONNECT):
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=secure or None)
    except (OSError, TimeoutError, ValueError) as error:
        raise DeliveryError(_unreached(error), Fault.DESTINATION) from None
    writer.transport.abort()
    return "reached over TLS" if secure else "reached, without TLS"


def checked_url(url: SecretStr) -> SecretStr:
    """A web address, any host; raises ValueError with a text that does not repeat it."""
    text = url.get_secret_value()
    try:
        parsed = URL(text)
        usable = parsed.scheme in {"http", "https"} and bool(parsed.host) and (parsed.port or 0) > 0
    except ValueError:
        usable = False
    if not usable or any(each.isspace() or not each.isprintable() for each in text):
        # `from None` and no value in the text: the address may be the credential.
        raise ValueError("not an address: write http://… or https://… with a host, without spaces") from None
    return url


def retry_after(header: str | None, date: str | None = None) -> float | None:
    """Seconds that a Retry-After asks for, at least 0; None without one that can be understood.

    It may be a number or an HTTP date; a date is measured by the answer's own `Date`, so that clocks need not agree.
    """
    if header is None:
        return None
    text = header.strip()
    if not text.lstrip("+-")[:1].isdigit():
        return _until(text, date)
    try:
        return max(0.0, min(float(text), LONGEST_WAIT))
    except ValueError:
        return None


def _until(text: str, date: str | None) -> float | None:
    then = _http_date(text)
    now = _http_date(date or "") or datetime.fromtimestamp(time.time(), UTC)
    return None if then is None else max(0.0, (then - now).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


async def _read(answer: aiohttp.ClientResponse) -> bytes | None:
    """At most ANSWER bytes. A body that never ends, or breaks off, does not undo the status that came before it."""
    read = bytearray()
    try:
        while len(read) < ANSWER and (chunk := await answer.content.read(ANSWER - len(read))):
            read += chunk
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    return bytes(read)


def _unanswered(error: Exception) -> DeliveryError:
    """What a failed exchange means. Library texts hold the address, so none of them is repeated."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return DeliveryError(_unreached(error.certificate_error), Fault.DESTINATION)
        case aiohttp.ClientConnectorError():
            return DeliveryError(_unreached(error.os_error), Fault.DESTINATION)
        case aiohttp.ConnectionTimeoutError():
            return DeliveryError(_unreached(error), Fault.DESTINATION)
        case TimeoutError():
            return DeliveryError("no answer in time", Fault.DESTINATION, ambiguous=True)
        case ValueError():
            return DeliveryError("its address is not valid", Fault.DESTINATION)
    return DeliveryError(f"the connection broke ({type(error).__name__})", Fault.DESTINATION, ambiguous=True)


def _unreached(error: Exception) -> str:
    """Why no connection came about, so that nothing was sent."""
    match error:
        case ssl.SSLCertVerificationError():
            return "its certificate is not trusted"
        case ssl.SSLError():
            return "no TLS connection: it does not speak TLS as we do"
        case socket.gaierror():
            return "its host name is not found"
        case TimeoutError():
            return "no connection in time"
        case OSError():
            return f"no connection ({errno.errorcode.get(error.errno or 0, 'unreachable')})"
    return "its address is not valid"
