"""Ways to look closer: pages of the AWS console."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from notifier.model import TuningJob
from notifier.model.identity import console_url, log_url
from notifier.rendering.failures import Cluster
from notifier.rendering.story import Link

URL = 1000
"""The most characters of an address."""


def job_links(job: TuningJob) -> Iterator[Link]:
    """The pages of the job and of its best."""
    best = console_url(job.region, "jobs", job.best.training_job_name) if job.best else None
    yield from _link("Tuning job", job.console_url)
    yield from _link("Best training job", best)


def log_links(job: TuningJob, failures: Sequence[Cluster]) -> Iterator[Link]:
    """The log of one trial that failed for the most frequent reason."""
    if failures:
        yield from _link("Log of a failed trial", log_url(job.region, failures[0].example))


def _link(label: str, url: str | None) -> Iterator[Link]:
    # A name with markup in it, or a region that is none, must not leave the address.
    safe = quote(url or "", safe=":/?#=&-._~$", errors="replace")
    if 0 < len(safe) <= URL:
        yield Link(label, safe)
