"""A webhook for programs: one CloudEvent a request, signed as Standard Webhooks over the same bytes."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

import aiohttp
from pydantic import AfterValidator, Field, SecretStr

from notifier.delivery.http import Answer, checked_url, post, probe
from notifier.delivery.refusal import excerpt, fingerprint
from notifier.delivery.settings import DestinationSettings
from notifier.errors import DeliveryError, Fault
from notifier.model import Batch
from notifier.rendering.cloudevents import body

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
_PREFIX = "whsec_"
_MAKE_ONE = f"make one with: echo {_PREFIX}$(openssl rand -base64 32)"
_REFUSED = frozenset({400, 413, 415, 422})
"""Answers that speak of the message: it would fare no better a second time."""


def _keys(secrets: str) -> list[bytes]:
    """The keys of one or several secrets, newest first as written; ValueError says what is wrong, not with which."""
    keys = []
    for number, each in enumerate(secrets.replace(",", " ").split(), start=1):
        if not each.startswith(_PREFIX):
            raise ValueError(f"secret {number} must begin with {_PREFIX}; {_MAKE_ONE}")
        try:
            encoded = each.removeprefix(_PREFIX)
            key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except binascii.Error:
            raise ValueError(f"secret {number} is not base64 after {_PREFIX}; {_MAKE_ONE}") from None
        if not 24 <= len(key) <= 64:
            raise ValueError(f"secret {number} must be {_PREFIX} and the base64 of 24 to 64 bytes; {_MAKE_ONE}")
        keys.append(key)
    return keys


def _checked_secret(secret: SecretStr) -> SecretStr:
    if not _keys(secret.get_secret_value()):
        raise ValueError(f"names no secret; {_MAKE_ONE}")
    return secret


class WebhookSettings(DestinationSettings):
    """A webhook's own settings."""

    people: ClassVar[bool] = False
    kind: Literal["webhook"] = "webhook"
    url: Annotated[SecretStr, AfterValidator(checked_url)] = Field(description="where events are posted")
    secret: Annotated[SecretStr, AfterValidator(_checked_secret)] | None = Field(
        None, description="signs every request: whsec_ and base64; several, separated by commas, while they rotate"
    )


class Webhook:
    """One receiver. One attempt per call: the outbox owns the retries."""

    def __init__(
        self,
        name: str,
        settings: WebhookSettings,
        http: aiohttp.ClientSession,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url, self._http, self._clock = settings.url, http, clock
        self._secrets = (settings.secret,) if settings.secret else ()
        self._keys = [key for each in self._secrets for key in _keys(each.get_secret_value())]
        self.policy = settings.policy(name, fingerprint(settings.url, settings.secret))

    async def send(self, batch: Batch) -> None:
        """Post the one event of a batch, or raise DeliveryError saying whose failure it is."""
        (event,) = batch.events
        content = body(event)
        answer = await post(self._http, self._url, content, self._headers(event.id, content))
        if not 200 <= answer.status < 300:
            raise self._refusal(answer)

    async def probe(self) -> str:
        """Whether the receiver can be reached, without posting anything."""
        return await probe(self._url)

    def _headers(self, identity: str, content: bytes) -> dict[str, str]:
        sent_at = str(int(self._clock()))
        headers = {"content-type": CONTENT_TYPE, "webhook-id": identity, "webhook-timestamp": sent_at}
        if self._keys:
            headers["webhook-signature"] = " ".join(signature(key, identity, sent_at, content) for key in self._keys)
        return headers

    def _refusal(self, answer: Answer) -> DeliveryError:
        fault, advice = _fault(answer)
        said = excerpt(answer.body, self._url, *self._secrets)
        text = f"it answered {answer.status}{advice}{said}"
        return DeliveryError(text, fault, after=answer.retry_after, ambiguous=answer.status >= 500)


def signature(key: bytes, identity: str, sent_at: str, content: bytes) -> str:
    """`v1,` and the base64 of an HMAC-SHA256 over `id.timestamp.body`."""
    signed = hmac.new(key, f"{identity}.{sent_at}.".encode() + content, hashlib.sha256)
    return f"v1,{base64.b64encode(signed.digest()).decode()}"


def _fault(answer: Answer) -> tuple[Fault, str]:
    """Whose failure an answer tells, and what people can do about it."""
    if answer.status in _REFUSED:
        return Fault.MESSAGE, ""
    if answer.status == 410:
        return Fault.GONE, " (gone): set another URL, or run `notifier outbox retry --all`"
    if answer.status == 429 or (answer.status == 503 and answer.retry_after is not None):
        return Fault.NOBODY, ""
    if 300 <= answer.status < 400:
        return Fault.DESTINATION, " (redirects are not followed: set the final URL)"
    if answer.status == 404:
        return Fault.DESTINATION, " (not found: check the URL)"
    if answer.status in {401, 403}:
        return Fault.DESTINATION, " (access refused: check the URL and the secret)"
    return Fault.DESTINATION, ""
