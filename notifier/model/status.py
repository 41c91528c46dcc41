"""The statuses of a tuning job and their order: a job never goes backwards.

Source: HyperParameterTuningJobStatus of DescribeHyperParameterTuningJob. New values may come; they are carried as text.
"""

from enum import StrEnum


class Status(StrEnum):
    """What SageMaker says today. A status is kept as `str` everywhere, so that one we do not know can pass."""

    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"
    DELETING = "Deleting"
    DELETE_FAILED = "DeleteFailed"


RUNNING = frozenset[str]({Status.IN_PROGRESS, Status.STOPPING})
FINAL = frozenset[str]({Status.COMPLETED, Status.FAILED, Status.STOPPED})
ENDED = FINAL | frozenset[str]({Status.DELETING, Status.DELETE_FAILED})

_RANK: dict[str, int] = {
    Status.IN_PROGRESS: 0,
    Status.STOPPING: 1,
    Status.COMPLETED: 3,
    Status.FAILED: 3,
    Status.STOPPED: 3,
    Status.DELETING: 4,
    Status.DELETE_FAILED: 4,
}


def rank(status: str) -> int:
    """How far a job has come: 0 InProgress … 4 Deleting; an unknown status stands between Stopping and the ends."""
    return _RANK.get(status, 2)


def ended(status: str) -> bool:
    """Whether nothing more is expected of a job with this status."""
    return status in ENDED
