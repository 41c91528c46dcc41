"""A job never goes backwards: which answers are older than what is known, and when to believe them after all."""

from dataclasses import dataclass

from notifier.model import FINAL, Remembered, Summary, TrialCounts, TuningJob, rank

AGREEING_ANSWERS = 3
AGREEING_SECONDS = 120.0


def stale(memory: Remembered, now: TuningJob) -> bool:
    """Whether an answer is older than what is remembered: a lower rank, or the same with fewer trials done."""
    if memory.status in FINAL and now.status in FINAL and now.status != memory.status:
        return True  # An ending is an ending: another one of the same rank is not news.
    return _behind(now.status, now.counts, memory.status, memory.counts)


def behind(now: TuningJob, row: Summary) -> bool:
    """Whether a Describe has not caught up with the List row that led to it."""
    if row.status in FINAL and now.status != row.status and rank(now.status) <= rank(row.status):
        return True
    return _behind(now.status, now.counts, row.status, row.counts)


def _behind(status: str, counts: TrialCounts, than_status: str, than_counts: TrialCounts) -> bool:
    here, there = rank(status), rank(than_status)
    return here < there or (here == there and counts.terminal < than_counts.terminal)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Answers that contradict what is remembered, and agree with each other. `since` is epoch seconds."""

    answer: tuple[str, TrialCounts, str | None]
    since: float
    answers: int = 1

    @property
    def status(self) -> str:
        """The status that the answers agree on."""
        return self.answer[0]

    def believable(self, now: float) -> bool:
        """Whether enough of them came over long enough a time: counters and best may then be replaced, silently."""
        return self.answers >= AGREEING_ANSWERS and now - self.since >= AGREEING_SECONDS


def doubt(earlier: Doubt | None, now: TuningJob, at: float) -> Doubt:
    """Count one more contradicting answer; one that differs from the earlier ones begins anew."""
    answer = (now.status, now.counts, now.best.training_job_name if now.best else None)
    if earlier is None or earlier.answer != answer:
        return Doubt(answer, at)
    return Doubt(answer, earlier.since, earlier.answers + 1)
