"""Where messages go. A destination is one file here, and one line in KINDS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from notifier.delivery.apprise import AppriseDestination, AppriseSettings
from notifier.delivery.console import Console, ConsoleSettings
from notifier.delivery.http import open_http
from notifier.delivery.settings import DestinationSettings
from notifier.delivery.slack import Slack, SlackSettings
from notifier.delivery.slack_webhook import SlackWebhook, SlackWebhookSettings
from notifier.delivery.webhook import Webhook, WebhookSettings
from notifier.ports import Destination


class Reachable(Destination, Protocol):
    """A destination that can also be looked at without being spoken to."""

    async def probe(self) -> str:
        """One line for people saying how it was reached; raises DeliveryError where it was not."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of destination: the model of its settings, and what builds it from its name, them and the session."""

    settings: type[DestinationSettings]
    build: Callable[[str, Any, aiohttp.ClientSession], Reachable]


KINDS: Mapping[str, Kind] = {
    "slack": Kind(SlackSettings, Slack),
    "slack_webhook": Kind(SlackWebhookSettings, SlackWebhook),
    "webhook": Kind(WebhookSettings, Webhook),
    "apprise": Kind(AppriseSettings, AppriseDestination),
    "console": Kind(ConsoleSettings, Console),
}

__all__ = ["KINDS", "DestinationSettings", "Kind", "Reachable", "open_http"]
