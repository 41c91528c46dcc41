"""What others may ask the running service over HTTP: does it turn, is it ready, how much has it done."""

from notifier.web.health import Health
from notifier.web.heartbeat import Heartbeat
from notifier.web.metrics import Metrics
from notifier.web.queues import Queue, QueueSnapshot, StoreProbe
from notifier.web.server import examine, make_app, serve

__all__ = ["Health", "Heartbeat", "Metrics", "Queue", "QueueSnapshot", "StoreProbe", "examine", "make_app", "serve"]
