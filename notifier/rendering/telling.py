"""From what is owed to what is said: one event, several of one job, or many jobs."""

from notifier.model import Batch, Event, JobIdentity, Notice
from notifier.rendering.digest import digest_story, notice_story
from notifier.rendering.job import job_story
from notifier.rendering.story import Story


def tell(batch: Batch) -> Story:
    """What one message says. All events of one job make one story; several jobs make a digest."""
    jobs: dict[JobIdentity, list[Event]] = {}
    notices: list[Notice] = []
    for each in batch.events:
        if isinstance(each, Notice):
            notices.append(each)
        else:
            jobs.setdefault(each.job.identity, []).append(each)
    if len(jobs) == 1 and not notices:
        return job_story(next(iter(jobs.values())), batch.trials, repeated=batch.repeated)
    if len(notices) == 1 and not jobs:
        return notice_story(notices[0], repeated=batch.repeated)
    return digest_story(list(jobs.values()), notices, repeated=batch.repeated)
