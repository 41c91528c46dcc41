"""Every other channel, through Apprise: one URL names a service and its credentials. Needs the extra `apprise`."""

import asyncio
import re
from dataclasses import replace
from functools import partial
from threading import Event
from typing import Annotated, Literal

import aiohttp
from pydantic import AfterValidator, Field, SecretStr

from notifier.delivery.apprise_answers import MARKUP_REFUSED, reached_some, refusal, statuses_of
from notifier.delivery.apprise_service import Said, Service, UnusableUrl
from notifier.delivery.aside import Aside
from notifier.delivery.refusal import fingerprint
from notifier.delivery.settings import PeopleSettings
from notifier.errors import DeliveryError, Fault
from notifier.model import Batch
from notifier.rendering import Story, tell
from notifier.rendering.apprise import Shape, pieces
from notifier.rendering.markup import Markup

DEADLINE = 25.0
"""Seconds for all pieces of a message, the wait for the one before it included: below what the outbox allows."""
MOST_HANGING = 4
"""So many sends of one destination may hang; while they do, no other is begun."""

_ANOTHER = re.compile(r"[\s,]\s*[a-zA-Z][\w+.-]*://", re.ASCII)
"""Another URL behind the first; one inside its parameters stands behind a sign."""


def _checked_service(url: SecretStr) -> SecretStr:
    if _ANOTHER.search(url.get_secret_value()):
        raise ValueError("holds two URLs: write one, and give the other a destination of its own")
    try:
        Service(url.get_secret_value())
    except UnusableUrl as error:
        raise ValueError(str(error)) from None
    return url


class AppriseSettings(PeopleSettings):
    """An Apprise service's own settings."""

    kind: Literal["apprise"] = "apprise"
    url: Annotated[SecretStr, AfterValidator(_checked_service)] = Field(
        description="the service, as a URL of Apprise's"
    )
    rate: float = Field(1.0, ge=0, allow_inf_nan=False, description="messages a second at most, 0 for no limit")


class AppriseDestination:
    """One URL of Apprise's. One attempt per call: the outbox owns the retries."""

    def __init__(
        self,
        name: str,
        settings: AppriseSettings,
        http: aiohttp.ClientSession | None = None,
        *,
        deadline: float = DEADLINE,
    ) -> None:
        self._url, self._deadline = settings.url, deadline
        self._service: Service | None = None
        self._turn = asyncio.Lock()
        self._aside = Aside(f"send to {name}")
        self.policy = settings.policy(name, fingerprint(settings.url))

    async def send(self, batch: Batch) -> None:
        """Send once, in as many pieces as it takes, and plainer where the markup is refused; or raise DeliveryError."""
        story, begun = tell(batch), False
        try:
            # One after the other: a plugin keeps its state, and is not made for two threads.
            async with asyncio.timeout(self._deadline), self._turn:
                self._make_room()
                begun = True
                await self._hand_over(story)
        except TimeoutError:
            # It may still come about, in a thread that nothing can stop.
            raise DeliveryError("no answer in time", Fault.DESTINATION, ambiguous=begun) from None

    async def probe(self) -> str:
        """Which service it is. Apprise can only send."""
        return f"{self._opened().name}, by its URL; only --send shows whether it takes messages"

    def _make_room(self) -> None:
        if self._aside.busy >= MOST_HANGING:
            raise DeliveryError(f"{self._aside.busy} earlier sends still hang", Fault.DESTINATION)

    async def _hand_over(self, story: Story) -> None:
        # Whoever is cut off leaves the service to its thread, and the next send makes another.
        service, self._service = self._opened(), None
        given_up = Event()
        try:
            failure = await self._aside.run(partial(_told, service, story, self._url, given_up))
        finally:
            given_up.set()
        self._service = service
        if failure is not None:
            raise failure

    def _opened(self) -> Service:
        try:
            return self._service or Service(self._url.get_secret_value())
        except UnusableUrl as error:
            raise DeliveryError(f"its URL {error}", Fault.DESTINATION) from None


def _told(service: Service, story: Story, url: SecretStr, given_up: Event) -> DeliveryError | None:
    """Tell a story, in a thread of its own. A failure is returned: it is made where the secrets are."""
    shape = service.shape
    taken, failed = _spoken(service, story, shape, given_up)
    if failed and not taken and _of_the_markup(failed, shape):
        taken, failed = _spoken(service, story, replace(shape, markup=Markup.TEXT), given_up)
    return refusal(service.name, failed, url, partly=taken > 0) if failed else None


def _spoken(service: Service, story: Story, shape: Shape, given_up: Event) -> tuple[int, Said | None]:
    """How many pieces were taken, and what came of the first that was not."""
    number = 0
    for number, piece in enumerate(pieces(story, shape)):
        # What nobody waits for any more is told again from its beginning, so its rest would only double.
        if given_up.is_set():
            break
        said = service.say(piece, shape.markup, story.tone)
        if not said.taken:
            return number, said
    return number + 1, None


def _of_the_markup(failed: Said, shape: Shape) -> bool:
    """Whether a refusal may be of the markup, so that plain text is worth a try. Nobody must have got it by then."""
    statuses = statuses_of(failed.heard)
    refused = bool(statuses) and MARKUP_REFUSED.issuperset(statuses)
    return refused and shape.markup is not Markup.TEXT and not reached_some(failed.heard)
