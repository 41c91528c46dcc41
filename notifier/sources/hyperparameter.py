"""Today's API: tuning jobs listed, and described one by one."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from aiobotocore.session import AioSession

from notifier.errors import CallFailed, JobMissing
from notifier.model import Api, BestTrainingJob, KnownTrials, Page, Settled, Summary, Trial, TuningJob
from notifier.ports import Meter, Recognise, Source, nothing_settled
from notifier.sources.access import accessed
from notifier.sources.caller import Caller
from notifier.sources.calls import Calls, Patience
from notifier.sources.listing import follow
from notifier.sources.mapping import tuning_job
from notifier.sources.members import Answer, required_text, text
from notifier.sources.operation import Operation
from notifier.sources.role import Role
from notifier.sources.rows import reader
from notifier.sources.trials import compute_hours, instance_counts, pending_and_running, retried_attempts, trial


@asynccontextmanager
async def hyperparameter_source(
    session: AioSession,
    region: str,
    *,
    rate: float,
    meter: Meter,
    account: str | None = None,
    role: Role | None = None,
    patience: Patience | None = None,
) -> AsyncIterator[Source]:
    """One account and region through today's API. Entering it calls nothing, so that it never fails.

    `rate` is requests a second of each operation at most. The account is `account`, whose `role` is assumed with the
    session's credentials; without a role it is that of these credentials.
    """
    async with accessed(
        session, "sagemaker", region, rate=rate, meter=meter, account=account, role=role, patience=patience
    ) as (calls, caller):
        yield HyperparameterSource(calls, caller)


class HyperparameterSource:
    """ListHyperParameterTuningJobs and DescribeHyperParameterTuningJob."""

    api = Api.HYPERPARAMETER.value

    def __init__(self, calls: Calls, caller: Caller) -> None:
        self.place = calls.place
        self.region = calls.place.region
        self._calls = calls
        self._caller = caller

    async def account(self) -> str | None:
        """The account; None where no setting names it and STS will not say."""
        return await self._caller.account()

    async def role(self) -> str | None:
        """The ARN of the role that was assumed, if any is."""
        return await self._caller.role()

    async def pages(self, settled: Recognise = nothing_settled) -> AsyncGenerator[Page, None]:
        """All tuning jobs, newest first, 100 a page."""
        pages = follow(
            self._calls,
            Operation.LIST,
            "HyperParameterTuningJobSummaries",
            reader(settled),
            named_by="HyperParameterTuningJobName",
            SortBy="CreationTime",
            SortOrder="Descending",
        )
        async with aclosing(pages):
            async for page in pages:
                yield Page(
                    tuple(each for each in page.rows if isinstance(each, Summary)),
                    page.date,
                    last=page.next_token is None,
                    unread=page.unread,
                    settled=tuple(each for each in page.rows if isinstance(each, Settled)),
                )

    async def describe(self, name: str, *, trials: bool = False) -> TuningJob:
        """One job's record. What `trials` asks for beyond it is left out where AWS does not give it."""

        def read(answer: Answer) -> tuple[TuningJob, dict[str | None, int]]:
            return tuning_job(answer, self.region, self._caller.known), instance_counts(answer)

        job, instances = await self._calls.ask_about(name, Operation.DESCRIBE, read, HyperParameterTuningJobName=name)
        if not trials:
            return job
        job = await self._with_trials(job, instances)
        return replace(job, best=await self._with_retries(job.best))

    async def trials(self, name: str, known: KnownTrials) -> list[Trial]:
        """The trials of a job that are new, or were not over when last seen; newest first."""
        pages = follow(
            self._calls,
            Operation.LIST_TRIALS,
            "TrainingJobSummaries",
            trial,
            named_by="TrainingJobName",
            HyperParameterTuningJobName=name,
            SortBy="CreationTime",
            SortOrder="Descending",
        )
        found: list[Trial] = []
        awaited, met = set(known.going), False
        async with aclosing(pages):
            async for page in pages:
                found += [each for each in page.rows if each.name not in known.over]
                awaited.difference_update(each.name for each in page.rows)
                # Behind one that is remembered lies nothing new but what was not over then.
                met |= any(each.name in known.over for each in page.rows)
                if met and not awaited:
                    break
        return found

    async def tags(self, arn: str) -> dict[str, str]:
        """The tags of a tuning job (ListTags)."""

        def tag(row: Answer) -> tuple[str, str]:
            return required_text(row, "Key"), text(row, "Value") or ""

        pages = follow(self._calls, Operation.LIST_TAGS, "Tags", tag, ResourceArn=arn)
        return dict([pair async for page in pages for pair in page.rows])

    async def _with_trials(self, job: TuningJob, instances: dict[str | None, int]) -> TuningJob:
        pages = follow(
            self._calls, Operation.LIST_TRIALS, "TrainingJobSummaries", trial, HyperParameterTuningJobName=job.name
        )
        try:
            listed = [page async for page in pages]
        except (CallFailed, JobMissing):
            return job
        trials = [each for page in listed for each in page.rows]
        pending, running = pending_and_running(trials)
        return replace(
            job,
            counts=replace(job.counts, pending=pending, running=running),
            compute_hours=compute_hours(trials, instances, now=listed[-1].date),
        )

    async def _with_retries(self, best: BestTrainingJob | None) -> BestTrainingJob | None:
        if best is None:
            return None
        try:
            retried = await self._calls.ask(
                Operation.DESCRIBE_TRIAL, retried_attempts, TrainingJobName=best.training_job_name
            )
        except (CallFailed, JobMissing):
            return best
        return replace(best, retried_attempt=retried)
