"""What messages say and how each kind of destination wants it written. Pure: values in, values out."""

from notifier.rendering.digest import DIGEST_JOBS
from notifier.rendering.story import Story
from notifier.rendering.telling import tell

__all__ = ["DIGEST_JOBS", "Story", "tell"]
