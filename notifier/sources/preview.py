"""The preview's dialect: `describe_tuning_job(TuningJobName=…, AwsAccountId=…)`, and nothing that lists jobs."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from aiobotocore.session import AioSession

from notifier.errors import CallFailed, Cause
from notifier.model import Api, KnownTrials, Page, Trial, TuningJob
from notifier.ports import Meter, Recognise, Source, nothing_settled
from notifier.sources.access import accessed
from notifier.sources.caller import Caller
from notifier.sources.calls import Calls, Patience
from notifier.sources.client import PREVIEW_SERVICE
from notifier.sources.mapping import preview_tuning_job
from notifier.sources.operation import Operation
from notifier.sources.role import Role


@asynccontextmanager
async def preview_source(
    session: AioSession,
    region: str,
    *,
    rate: float,
    meter: Meter,
    account: str | None = None,
    role: Role | None = None,
    patience: Patience | None = None,
) -> AsyncIterator[Source]:
    """One account and region through the preview; the session comes from `new_session`. Entering it calls nothing.

    The account is part of each request: `account`, whose `role` is assumed, else that of the session's credentials.
    """
    async with accessed(
        session, PREVIEW_SERVICE, region, rate=rate, meter=meter, account=account, role=role, patience=patience
    ) as (calls, caller):
        yield PreviewSource(calls, caller)


class PreviewSource:
    """DescribeTuningJob, for jobs whose names are known."""

    api = Api.PREVIEW.value

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
        """Raise CallFailed: the preview lists nothing."""
        nothing: tuple[Page, ...] = ()
        for page in nothing:
            yield page
        raise CallFailed(Cause.REFUSED, "the preview cannot list tuning jobs; name them in NOTIFIER_JOBS")

    async def trials(self, name: str, known: KnownTrials) -> list[Trial]:
        """None: the preview has no listing of trials that says more than their number."""
        return []

    async def tags(self, arn: str) -> dict[str, str]:
        """None: the preview's jobs have no ARN."""
        return {}

    async def describe(self, name: str, *, trials: bool = False) -> TuningJob:
        """One job's record; its one answer tells everything, with or without `trials`."""
        account = await self._caller.account()
        if account is None:
            text = f"{Operation.DESCRIBE_PREVIEW} in {self.region}: STS does not say the account; set NOTIFIER_ACCOUNTS"
            raise CallFailed(Cause.REFUSED, text, Operation.CALLER.action)
        return await self._calls.ask_about(
            name,
            Operation.DESCRIBE_PREVIEW,
            lambda answer: preview_tuning_job(answer, self.region, account),
            TuningJobName=name,
            AwsAccountId=account,
        )
