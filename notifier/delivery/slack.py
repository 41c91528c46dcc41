"""A Slack channel through the Web API: a card for each tuning job, edited in place, and its events in the thread.

Methods: chat.postMessage, chat.update, auth.test, blocks.validate. Scope: chat:write.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import aiohttp
from pydantic import AfterValidator, Field, SecretStr

from notifier.delivery.http import Answer, checked_url, post
from notifier.delivery.refusal import fingerprint
from notifier.delivery.settings import Duration, PeopleSettings
from notifier.delivery.slack_answers import checked, checked_mention
from notifier.errors import CardLost, DeliveryError, Fault
from notifier.model import FINAL, Batch, Event, EventType, Face, Posted
from notifier.rendering import tell
from notifier.rendering.card import card_story
from notifier.rendering.slack import has_chart, messages
from notifier.rendering.story import Chart, Story, Tone
from notifier.rendering.text import line

API_URL = "https://slack.com/api/"
SCOPE = "chat:write"
EXAMPLE = Story(Tone.GOING, "example", chart=Chart("best so far", "trials", "auc", (("1", 0.5), ("2", 0.75))))
"""What every card is made of."""
_INSTEAD = "", "; it takes no charts, so that a line of text stands for them"
_UNTRIED = "the channel is tried with --send"
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{7,20}|#?[\w.-]{1,80}")
_TOKEN = re.compile(r"(xoxe\.)?xoxb-[\w.-]{10,400}", re.ASCII)


def _checked_token(token: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(token.get_secret_value()):
        raise ValueError("is not a whole bot token: it begins with xoxb- and is longer (your app, OAuth & Permissions)")
    return token


def _checked_channel(channel: str) -> str:
    if not _CHANNEL.fullmatch(channel):
        raise ValueError("is not a channel: write its id (C…, at the end of the channel's details) or its #name")
    return channel


def _checked_api(url: str) -> str:
    return checked_url(SecretStr(url)).get_secret_value()


class SlackSettings(PeopleSettings):
    """A bot's own settings."""

    living: ClassVar[bool] = True
    kind: Literal["slack"] = "slack"
    token: Annotated[SecretStr, AfterValidator(_checked_token)] = Field(description="the bot's token (xoxb-…)")
    channel: Annotated[str, AfterValidator(_checked_channel)] = Field(description="the channel's id (C…) or #name")
    url: Annotated[str, AfterValidator(_checked_api)] = Field(
        API_URL, description="Slack's Web API, other for GovSlack"
    )
    rate: float = Field(1.0, ge=0, allow_inf_nan=False, description="messages a second at most, 0 for no limit")
    edit_interval: Duration = Field(60.0, description="time between two edits of a card, but for its job's end")
    mention: Annotated[str, AfterValidator(checked_mention)] = Field(
        "", description="who is mentioned when a job fails: here, channel, a user id (U…) or a group id (S…)"
    )


class Slack:
    """One channel. One attempt per call: the outbox owns the retries."""

    def __init__(self, name: str, settings: SlackSettings, http: aiohttp.ClientSession) -> None:
        self._settings, self._http = settings, http
        self._api = settings.url.rstrip("/")
        self._charts = True
        self.edit_interval = settings.edit_interval
        self.home = fingerprint(settings.url, settings.channel)
        self.policy = settings.policy(name, fingerprint(settings.url, settings.token, settings.channel))

    def look(self, face: Face) -> str:
        """A digest of the card at its richest."""
        richest = next(iter(messages(card_story(face))))
        return hashlib.sha256(json.dumps(richest, sort_keys=True).encode()).hexdigest()[:16]

    async def open(self, face: Face) -> Posted:
        """Post a card (chat.postMessage)."""
        answer = await self._begin(messages(card_story(face)))
        channel, ts = answer.get("channel"), answer.get("ts")
        if not isinstance(channel, str) or not isinstance(ts, str):
            raise DeliveryError("Slack did not say where the message stands", Fault.DESTINATION, ambiguous=True)
        return Posted(channel, ts)

    async def edit(self, posted: Posted, face: Face) -> None:
        """Let a card show something else (chat.update); raises CardLost."""
        # A message keeps the blocks that an edit does not speak of.
        payloads = ({"blocks": [], **payload} for payload in messages(card_story(face)))
        await self._say("chat.update", payloads, channel=posted.channel, ts=posted.ts)

    async def reply(self, posted: Posted, batch: Batch) -> None:
        """Tell events of one job under its card (chat.postMessage), an ending in the channel too; raises CardLost."""
        payloads = messages(tell(batch), self._settings.mention)
        shown = {"reply_broadcast": True} if any(map(_matters_to_all, batch.events)) else {}
        await self._say("chat.postMessage", payloads, channel=posted.channel, thread_ts=posted.ts, **shown)

    async def send(self, batch: Batch) -> None:
        """Post a message of its own (chat.postMessage): of many jobs, or of the service itself."""
        await self._begin(messages(tell(batch), self._settings.mention))

    async def probe(self) -> str:
        """Whose the token is (auth.test), and whether Slack takes our blocks (blocks.validate); posts nothing."""
        tested = await self._post("auth.test", {})
        who = checked(tested)
        granted = tested.headers.get("x-oauth-scopes")
        if granted is not None and SCOPE not in granted.replace(",", " ").split():
            raise DeliveryError(f"the app has no scope {SCOPE}: add it, and install the app again", Fault.DESTINATION)
        return f"the token is {_said(who, 'user')}'s in {_said(who, 'team')}{await self._taste()}; {_UNTRIED}"

    async def _taste(self) -> str:
        """What Slack does not take of our blocks (blocks.validate), and what people see instead."""
        for payload, instead in zip(messages(EXAMPLE), _INSTEAD, strict=False):
            try:
                checked(await self._post("blocks.validate", {"blocks": json.dumps(payload["blocks"])}))
            except DeliveryError as error:
                if error.fault is Fault.MESSAGE:
                    continue
            return instead
        return "; it takes none of our blocks, so that messages are plain text"

    async def _begin(self, payloads: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Post what is no answer to anything."""
        try:
            return await self._say("chat.postMessage", payloads, channel=self._settings.channel)
        except CardLost as error:
            # There was no card to lose.
            raise DeliveryError(str(error), Fault.DESTINATION) from None

    async def _say(self, method: str, payloads: Iterable[Mapping[str, Any]], **arguments: Any) -> Mapping[str, Any]:
        """Call a method with the richest payload that Slack takes."""
        *richer, plainest = (each for each in payloads if self._charts or not has_chart(each))
        refused = None
        for payload in richer:
            try:
                answer = checked(await self._post(method, {**payload, **arguments}))
            except DeliveryError as error:
                if error.fault is not Fault.MESSAGE:
                    raise
                refused = payload
            else:
                if refused is not None and has_chart(refused):
                    # Without its chart it was welcome: none need be tried again, until the next start.
                    self._charts = False
                return answer
        return checked(await self._post(method, {**plainest, **arguments}))

    async def _post(self, method: str, arguments: Mapping[str, Any]) -> Answer:
        # Lone surrogates are no UTF-8.
        content = json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        headers = {
            "content-type": "application/json; charset=utf-8",
            "authorization": f"Bearer {self._settings.token.get_secret_value()}",
        }
        return await post(self._http, SecretStr(f"{self._api}/{method}"), content, headers)


def _matters_to_all(event: object) -> bool:
    """Whether nobody should miss it: an ending, or a deletion."""
    if not isinstance(event, Event):
        return False
    return event.type is EventType.DELETED or (event.status is not None and event.status.after in FINAL)


def _said(answer: Mapping[str, Any], member: str) -> str:
    return line(str(answer.get(member) or "somebody"), 60)
