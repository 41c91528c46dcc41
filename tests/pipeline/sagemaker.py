"""A SageMaker on loopback whose tuning jobs a test moves by hand, over the real wire, with its own clock."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from tests.examples import ACCOUNT, NOON, REGION

LIST, DESCRIBE, PREVIEW = "ListHyperParameterTuningJobs", "DescribeHyperParameterTuningJob", "DescribeTuningJob"
LIST_TRIALS, LIST_TAGS = "ListTrainingJobsForHyperParameterTuningJob", "ListTags"
NO_STS = {"__type": "AccessDeniedException", "message": "no"}


@dataclass(frozen=True)
class Job:
    """What the simulated service knows of a job; `created` is epoch seconds."""

    name: str
    created: float
    status: str = "InProgress"
    completed: int = 0
    in_progress: int = 1
    best: int = 0
    value: float = 0.0
    ended: float | None = None
    reason: str | None = None

    @property
    def counters(self) -> dict[str, int]:
        zero = dict.fromkeys(("RetryableError", "NonRetryableError", "Stopped"), 0)
        return {"Completed": self.completed, "InProgress": self.in_progress, **zero}

    def summary(self) -> dict[str, Any]:
        return _present(
            {
                "HyperParameterTuningJobName": self.name,
                "HyperParameterTuningJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/"
                + self.name.lower(),
                "HyperParameterTuningJobStatus": self.status,
                "Strategy": "Bayesian",
                "CreationTime": self.created,
                "LastModifiedTime": self.created,
                "HyperParameterTuningEndTime": self.ended,
                "TrainingJobStatusCounters": self.counters,
                "ObjectiveStatusCounters": {"Succeeded": self.completed, "Pending": 0, "Failed": 0},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 2},
            }
        )

    def describe(self) -> dict[str, Any]:
        objective = {"Type": "Maximize", "MetricName": "validation:auc"}
        limits = {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 2}
        config = {"Strategy": "Bayesian", "HyperParameterTuningJobObjective": objective, "ResourceLimits": limits}
        return self.summary() | _present(
            {"HyperParameterTuningJobConfig": config, "BestTrainingJob": self.leader(), "FailureReason": self.reason}
        )

    def leader(self) -> dict[str, Any] | None:
        if not self.best:
            return None
        return {
            "TrainingJobName": f"{self.name}-{self.best:03d}",
            "TrainingJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{self.name}-{self.best:03d}",
            "CreationTime": self.created,
            "TrainingJobStatus": "Completed",
            "TunedHyperParameters": {"eta": str(self.best / 10)},
            "FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "validation:auc", "Value": self.value},
        }

    def preview(self) -> dict[str, Any]:
        best = self.leader()
        if best is not None:
            metric = best["FinalHyperParameterTuningJobObjectiveMetric"]
            best = {
                "TrainingJobName": best["TrainingJobName"],
                "TrainingJobStatus": "Completed",
                "HyperParameters": best["TunedHyperParameters"],
                "RetriedAttempt": 0,
                "FinalTuningJobObjectiveMetric": metric,
            }
        jobs = {"Completed": self.completed, "Failed": 0, "Pending": 0, "Running": self.in_progress}
        return _present(
            {
                "TuningJobName": self.name,
                "TuningJobStatus": self.status,
                "TuningJobStartTime": self.created,
                "Strategy": "Bayesian",
                "BestTrainingJob": best,
                "ResourcesStats": {"ConsumedResources": {"Jobs": jobs}},
                "FailureReason": self.reason,
            }
        )


@dataclass
class SageMaker:
    """The service. `rows` is what List says, `jobs` what Describe says; `fails`: operation or name → error."""

    now: float = field(default_factory=NOON.timestamp)
    jobs: dict[str, Job] = field(default_factory=dict)
    rows: dict[str, Job] = field(default_factory=dict)
    trials: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By the job's name: the rows of its trials, newest first."""
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    """By the job's name, in small letters."""
    fails: dict[str, str] = field(default_factory=dict)
    babbles: dict[str, str] = field(default_factory=dict)
    """Operation or name → the body of an HTTP 200 that is no answer."""
    leaves_out: dict[str, str] = field(default_factory=dict)
    """By the job's name: what its row in List lacks."""
    breaks_at_page: int | None = None
    empty_pages: int = 0
    """How many pages without rows come first."""
    ahead: float = 0.0
    """Seconds by which its clock is ahead of the service's that is tested."""
    calls: Counter[str] = field(default_factory=Counter)
    described: list[str] = field(default_factory=list)
    url: str = ""
    holds: set[str] = field(default_factory=set)
    """Operations that wait for `released` before they answer."""
    released: asyncio.Event = field(default_factory=asyncio.Event)
    describes_left: float = math.inf
    """After so many answers Describe waits for `released` too."""
    latency: float = 0.0
    """Seconds before each answer."""
    between_pages: Callable[[], None] = lambda: None
    """What happens after each page of List."""
    at_once: int = 0
    most_at_once: int = 0
    """How many calls were under way together."""
    live: bool = False
    """Whether its clock is the real one: for a service that is a process of its own."""

    def clock(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def put(self, *jobs: Job) -> None:
        """These jobs are as they are now, for List and Describe alike."""
        for job in jobs:
            self.jobs[job.name.lower()] = self.rows[job.name.lower()] = job

    def move(self, name: str, **changes: Any) -> None:
        """One job moves on."""
        self.put(replace(self.jobs[name.lower()], **changes))

    def remove(self, name: str) -> None:
        """One job is deleted."""
        del self.jobs[name.lower()], self.rows[name.lower()]

    async def answer(self, request: web.Request) -> web.Response:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            return await self._answer(request)
        finally:
            self.at_once -= 1

    async def _answer(self, request: web.Request) -> web.Response:
        self.now = time.time() if self.live else self.now
        target = request.headers.get("X-Amz-Target")
        if target is None:
            return self._reply(NO_STS if "sts" in self.fails else None, sts=True)
        operation, members = target.partition(".")[2], await request.json()
        self.calls[operation] += 1
        await asyncio.sleep(self.latency)
        if operation in self.holds or (operation == DESCRIBE and self.describes_left < 1):
            await self.released.wait()
        self.describes_left -= operation == DESCRIBE
        name = str(members.get("HyperParameterTuningJobName", members.get("TuningJobName", "")))
        if name:
            self.described.append(name)
        failure = self.fails.get(operation) or self.fails.get(name)
        if failure is not None:
            return self._reply({"__type": failure, "message": "no"})
        babble = self.babbles.get(operation, self.babbles.get(name))
        if babble is not None:
            return web.Response(text=babble)
        if operation == LIST:
            page = self._reply(self._page(members))
            self.between_pages()
            return page
        if operation == LIST_TRIALS:
            return self._reply({"TrainingJobSummaries": self.trials.get(name, [])})
        if operation == LIST_TAGS:
            found = self.tags.get(members["ResourceArn"].rpartition("/")[2], {})
            return self._reply({"Tags": [{"Key": key, "Value": value} for key, value in found.items()]})
        job = self.jobs.get(name.lower())
        if job is None:
            return self._reply({"__type": "ResourceNotFound", "message": "no such job"})
        return self._reply(job.preview() if operation == PREVIEW else job.describe())

    def _page(self, members: dict[str, Any]) -> dict[str, Any]:
        start = int(members.get("NextToken", str(-self.empty_pages)))
        if start < 0:
            return {"HyperParameterTuningJobSummaries": [], "NextToken": str(start + 1)}
        if self.breaks_at_page is not None and start // 100 >= self.breaks_at_page:
            return {"__type": "ValidationException", "message": "token"}
        newest = sorted(self.rows.values(), key=lambda job: job.created, reverse=True)
        page = newest[start : start + members["MaxResults"]]
        more = {"NextToken": str(start + len(page))} if start + len(page) < len(newest) else {}
        return {"HyperParameterTuningJobSummaries": [self._row(job) for job in page], **more}

    def _row(self, job: Job) -> dict[str, Any]:
        return {name: value for name, value in job.summary().items() if name != self.leaves_out.get(job.name)}

    def _reply(self, body: dict[str, Any] | None, *, sts: bool = False) -> web.Response:
        headers = {"Date": format_datetime(self.clock() + timedelta(seconds=self.ahead), usegmt=True)}
        if sts and body is None:
            text = (
                '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
                f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            )
            return web.Response(text=text, content_type="text/xml", headers=headers)
        failed = body is not None and "__type" in body
        return web.json_response(body, status=400 if failed else 200, headers=headers)

    @classmethod
    @asynccontextmanager
    async def running(cls) -> "AsyncIterator[SageMaker]":
        """Serve on a port of the system's choice."""
        service = cls()
        app = web.Application()
        app.router.add_post("/", service.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield service
        finally:
            service.released.set()
            await runner.cleanup()


def _present(members: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in members.items() if value is not None}
    return {name: value for name, value in kept.items() if not (isinstance(value, float) and math.isnan(value))}
