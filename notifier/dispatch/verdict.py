"""What the answers of a destination change: rows settled, postponed or dead, the hold, and what the operator hears."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from notifier.dispatch import notices
from notifier.dispatch.folding import Message, newest_best
from notifier.dispatch.holds import STUCK_AFTER, asked, held, pause, standing
from notifier.errors import DeliveryError, Fault
from notifier.model import Hold, Owed, Policy, Told
from notifier.ports import Outcome, Postponed

ALONE_FOR = 3 * 86400.0
"""A message that only ever fails while others go through is a dead letter after so many seconds."""

AT_ONCE = 0.0
"""Long ago by every clock: a row that waits for nothing itself."""

PROOF_HOLDS = 3600.0
"""For so many seconds a message that went through shows that the destination works."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one send: `error` None is success. `probe`: it was sent under a hold, to see whether that ends."""

    rows: Message
    error: DeliveryError | None = None
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a verdict depends on besides the answers. Times are epoch seconds by the store's clock.

    `hold` is the stored one; `alarmed` the last hold that the operator was told of and that is not over; `worked_at`
    when a message last went through, if ever in this process; `doubted` the jobs that began to fail alone since then;
    `dice` is 0 to 1.
    """

    now: float
    dice: float
    hold: Hold | None = None
    alarmed: Hold | None = None
    worked_at: float | None = None
    doubted: frozenset[str] = frozenset()
    operator: tuple[str, ...] = ()


def judge(policy: Policy, answers: Sequence[Answer], around: Circumstances) -> Outcome:
    """Weigh the answers in the order in which they came: one transaction for the store."""
    outcome = Outcome(policy.name, hold=standing(around.hold, policy), found=around.hold)
    for number, answer in enumerate(answers):
        known = replace(around, doubted=doubted(around.doubted, answers[:number]))
        outcome = _weighed(outcome, policy, answer, known)
    told = notices.told(policy, around.alarmed, outcome.hold, _delivered(answers), around.now, around.operator)
    return replace(outcome, notices=told)


def suspects(answers: Sequence[Answer]) -> dict[int, int]:
    """Rows of messages that were refused as a whole, by `seq`: with how many jobs each may share a message now.

    Half as many each time, at last none but its own, then each row goes alone: only the culprit dies, and people do
    not get everything one by one.
    """
    refused = [each.rows for each in answers if _refused(each) and len(each.rows) > 1]
    return {row.seq: len({each.job_key for each in rows}) // 2 for rows in refused for row in rows}


def deferred(before: Mapping[int, int], answers: Sequence[Answer]) -> dict[int, int]:
    """How often rows, by `seq`, were asked to wait: `before` these answers, and with them. It counts as no attempt."""
    after = Counter(before)
    after.update(row.seq for each in answers if _waits(each) for row in each.rows)
    return after


def doubted(before: frozenset[str], answers: Sequence[Answer]) -> frozenset[str]:
    """The jobs that began to fail alone since a message last went through: `before` these answers, and with them."""
    for answer in answers:
        if answer.error is None:
            before = frozenset()
        elif answer.error.fault is Fault.DESTINATION and _begins_alone(answer, before):
            before |= {answer.rows[0].job_key}
    return before


def _weighed(outcome: Outcome, policy: Policy, answer: Answer, around: Circumstances) -> Outcome:
    if answer.error is None:
        return _taken(outcome, policy, answer, around.now)
    if _refused(answer):
        return _refusal(outcome, answer, answer.error)
    if answer.error.fault is Fault.DESTINATION and (_known_alone(answer) or _begins_alone(answer, around.doubted)):
        return _failed_alone(outcome, answer, answer.error, around)
    return _held(outcome, policy, answer, answer.error, around)


def _taken(outcome: Outcome, policy: Policy, answer: Answer, now: float) -> Outcome:
    # A message from before the hold proves nothing of now, and must not cut short a wait that was asked for.
    lifted = answer.probe or outcome.hold is None
    return replace(
        outcome,
        settled=outcome.settled + tuple(row.seq for row in answer.rows),
        told=outcome.told + (_told(answer.rows, now) if policy.people else ()),
        hold=None if lifted else outcome.hold,
    )


def _refusal(outcome: Outcome, answer: Answer, error: DeliveryError) -> Outcome:
    """The message's failure: it is a dead letter. It says nothing of the destination, so the hold stays as it is."""
    if len(answer.rows) > 1:
        return replace(outcome, postponed=outcome.postponed + _again(answer, error, AT_ONCE, attempts=0))
    return replace(outcome, dead=(*outcome.dead, (answer.rows[0].seq, str(error))))


def _failed_alone(outcome: Outcome, answer: Answer, error: DeliveryError, around: Circumstances) -> Outcome:
    """The job's own failure: the destination works for others, so only this job waits, and not for ever."""
    now = around.now
    since = min((row.alone_since for row in answer.rows if row.alone_since is not None), default=now)
    works = outcome.hold is None and around.worked_at is not None and now - around.worked_at < PROOF_HOLDS
    if works and now - since >= ALONE_FOR:
        reason = f"failed for three days while others went through: {error}"
        return replace(outcome, dead=outcome.dead + tuple((row.seq, reason) for row in answer.rows))
    wait = pause(max(row.attempts for row in answer.rows) + 1, since, now, around.dice)
    if error.after is not None:
        wait = max(wait, asked(error.after, around.dice))
    return replace(outcome, postponed=outcome.postponed + _again(answer, error, now + wait, alone_since=since))


def _held(outcome: Outcome, policy: Policy, answer: Answer, error: DeliveryError, around: Circumstances) -> Outcome:
    """The destination's failure, or nobody's: everything waits."""
    hold = held(outcome.hold, policy, error, around.now, around.dice, probe=answer.probe)
    attempts = 0 if error.fault is Fault.NOBODY else 1
    probing = hold.probing or (attempts > 0 and max(row.attempts for row in answer.rows) + 1 >= STUCK_AFTER)
    return replace(
        outcome,
        hold=replace(hold, probing=probing),
        # The hold does the waiting: whoever lifts it need not wait for rows besides.
        postponed=outcome.postponed + _again(answer, error, AT_ONCE, attempts=attempts),
    )


def _again(
    answer: Answer, error: DeliveryError, next_at: float, *, attempts: int = 1, alone_since: float | None = None
) -> tuple[Postponed, ...]:
    return tuple(
        Postponed(
            seq=row.seq,
            next_at=next_at,
            attempts=row.attempts + attempts,
            repeated=row.repeated or error.ambiguous,
            error=str(error),
            alone_since=row.alone_since if alone_since is None else alone_since,
        )
        for row in answer.rows
    )


def _known_alone(answer: Answer) -> bool:
    return any(row.alone_since is not None for row in answer.rows)


def _begins_alone(answer: Answer, doubtful: frozenset[str]) -> bool:
    """Whether it is shown that only this job fails: it failed its fill, and fails again although nothing is held.

    A second job that does so, while nothing went through, shows that the destination is down again: after an outage
    every message has failed its fill.
    """
    jobs = {row.job_key for row in answer.rows}
    filled = max(row.attempts for row in answer.rows) >= STUCK_AFTER
    return filled and not answer.probe and not _known_alone(answer) and len(jobs | doubtful) == 1


def _refused(answer: Answer) -> bool:
    return answer.error is not None and answer.error.fault is Fault.MESSAGE


def _waits(answer: Answer) -> bool:
    return answer.error is not None and answer.error.fault is Fault.NOBODY


def _delivered(answers: Sequence[Answer]) -> bool:
    return any(each.error is None for each in answers)


def _told(message: Message, now: float) -> tuple[tuple[str, Told], ...]:
    by_job: dict[str, list[Owed]] = {}
    for row in message:
        by_job.setdefault(row.job_key, []).append(row)
    bests = {job_key: newest_best(tuple(rows)) for job_key, rows in by_job.items()}
    return tuple((job_key, Told(now, best.best_value)) for job_key, best in bests.items() if best is not None)
