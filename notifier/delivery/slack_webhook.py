"""A Slack channel through an incoming webhook. Its URL is the credential; no id comes back, so no edits, no threads."""

import json
import re
from typing import Annotated, Any, Literal

import aiohttp
from pydantic import AfterValidator, Field, SecretStr

from notifier.delivery.http import Answer, checked_url, post, probe
from notifier.delivery.refusal import fingerprint
from notifier.delivery.settings import PeopleSettings
from notifier.delivery.slack_answers import asked_to_wait, checked_mention
from notifier.errors import DeliveryError, Fault
from notifier.model import Batch
from notifier.rendering import tell
from notifier.rendering.slack import messages

_OF_THE_MESSAGE = frozenset({"invalid_payload", "invalid_blocks", "no_text", "too_many_attachments", "user_not_found"})
_ADVICE = {
    "action_prohibited": "an administrator forbids posting here",
    "invalid_token": "the webhook's URL is wrong: copy it again",
    "channel_not_found": "the channel is gone: make a new webhook",
    "channel_is_archived": "unarchive the channel, or make a new webhook",
    "no_service": "the webhook was revoked: make a new one",
    "no_active_hooks": "the webhook is disabled: make a new one",
    "no_team": "the webhook's URL is wrong: copy it again",
    "team_disabled": "the Slack workspace is disabled",
    "posting_to_general_channel_denied": "posting here is reserved: choose another channel",
}
_CODE = re.compile(r"[a-z][a-z_]{1,59}")


class SlackWebhookSettings(PeopleSettings):
    """An incoming webhook's own settings."""

    kind: Literal["slack_webhook"] = "slack_webhook"
    url: Annotated[SecretStr, AfterValidator(checked_url)] = Field(description="the incoming webhook's URL")
    rate: float = Field(1.0, ge=0, allow_inf_nan=False, description="messages a second at most, 0 for no limit")
    mention: Annotated[str, AfterValidator(checked_mention)] = Field(
        "", description="who is mentioned when a job fails: here, channel, a user id (U…) or a group id (S…)"
    )


class SlackWebhook:
    """One incoming webhook. One attempt per call: the outbox owns the retries."""

    def __init__(self, name: str, settings: SlackWebhookSettings, http: aiohttp.ClientSession) -> None:
        self._url, self._mention, self._http = settings.url, settings.mention, http
        self.policy = settings.policy(name, fingerprint(settings.url))

    async def send(self, batch: Batch) -> None:
        """Post once, and plainer where Slack refuses the message; or raise DeliveryError."""
        *richer, plainest = messages(tell(batch), self._mention)
        for payload in richer:
            try:
                await self._post(payload)
            except DeliveryError as error:
                if error.fault is not Fault.MESSAGE:
                    raise
            else:
                return
        await self._post(plainest)

    async def probe(self) -> str:
        """Whether Slack can be reached, without posting anything."""
        return await probe(self._url)

    async def _post(self, payload: dict[str, Any]) -> None:
        content = json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
        answer = await post(self._http, self._url, content, {"content-type": "application/json; charset=utf-8"})
        if answer.status != 200 or (answer.body or b"").strip() != b"ok":
            raise _refusal(answer)


def _refusal(answer: Answer) -> DeliveryError:
    """Whose failure an answer tells. A code is repeated, any other text is not: it may hold the URL."""
    text = (answer.body or b"").decode("utf-8", "replace").strip()
    code = text if _CODE.fullmatch(text) else ""
    unknown = "check the webhook's URL" if 300 <= answer.status < 500 and answer.status not in {400, 429} else ""
    advice = f" ({advised})" if (advised := _ADVICE.get(code, unknown)) else ""
    told = f"Slack answered {answer.status} {code}".rstrip() + advice
    if answer.status == 400 and code in _OF_THE_MESSAGE:
        return DeliveryError(told, Fault.MESSAGE)
    if answer.status == 429:
        return DeliveryError(told, Fault.NOBODY, after=asked_to_wait(answer))
    if answer.status == 503 and answer.retry_after is not None:
        return DeliveryError(told, Fault.NOBODY, after=answer.retry_after, ambiguous=True)
    if answer.status == 200:
        return DeliveryError("it answered 200 without Slack's ok", Fault.DESTINATION, ambiguous=True)
    return DeliveryError(told, Fault.DESTINATION, after=answer.retry_after, ambiguous=answer.status >= 500)
