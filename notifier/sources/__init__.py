"""Where observations come from: one scope's tuning API, in either dialect, behind `notifier.ports.Source`."""

from notifier.sources.calls import Patience
from notifier.sources.client import PREVIEW_SERVICE, default_region, new_session
from notifier.sources.hyperparameter import hyperparameter_source
from notifier.sources.preview import preview_source
from notifier.sources.queue import hint_queue, queue_region
from notifier.sources.role import Role, role_arn

__all__ = [
    "PREVIEW_SERVICE",
    "Patience",
    "Role",
    "default_region",
    "hint_queue",
    "hyperparameter_source",
    "new_session",
    "preview_source",
    "queue_region",
    "role_arn",
]
