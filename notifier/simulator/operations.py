"""The simulated operations: parameters in, answer out, or the error AWS gives. Pure."""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from notifier.errors import NotifierError
from notifier.simulator import answers
from notifier.simulator.account import Account
from notifier.simulator.job import SimulatedJob, Trial

Item = TypeVar("Item")

_TUNING_JOB_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")


class ApiError(NotifierError):
    """The error answer of an operation: its code (`__type`), message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Question:
    """One request: who is asked, in which region, at which moment (epoch seconds), with which parameters."""

    account: Account
    region: str
    now: float
    parameters: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A required parameter."""
        value = self.parameters.get(name)
        if not isinstance(value, str) or not value:
            raise _invalid(value, name, "Member must not be null")
        return value


def list_tuning_jobs(question: Question) -> dict[str, Any]:
    """ListHyperParameterTuningJobs."""
    orders: Mapping[str, Callable[[SimulatedJob], Any]] = {
        "Name": lambda job: job.name,
        "Status": lambda job: job.at(question.now).status,
        "CreationTime": lambda job: job.created,
    }
    order = orders[_choice(question, "SortBy", "Name", orders)]
    jobs = question.account.existing(question.now)
    page, token = _page(question, jobs, lambda job: [order(job), job.name])
    rows = (answers.summary(question.account, job, question.now, question.region) for job in page)
    # SageMaker filters a page after it was cut: a page can be short, even empty, and still have a successor.
    return {"HyperParameterTuningJobSummaries": [row for row in rows if _matches(row, question.parameters)], **token}


def describe_tuning_job(question: Question) -> dict[str, Any]:
    """DescribeHyperParameterTuningJob."""
    job = _named(question, "HyperParameterTuningJobName")
    return answers.description(question.account, job, question.now, question.region)


def list_training_jobs(question: Question) -> dict[str, Any]:
    """ListTrainingJobsForHyperParameterTuningJob."""
    job = _named(question, "HyperParameterTuningJobName")
    since = question.now - job.created
    orders: Mapping[str, Callable[[Trial], Any]] = {
        "Name": lambda trial: trial.name,
        "Status": lambda trial: trial.status(since),
        "CreationTime": lambda trial: trial.created,
        "FinalObjectiveMetricValue": lambda trial: trial.value if since >= trial.ends else None,
    }
    order = orders[_choice(question, "SortBy", "Name", orders)]
    # Sorting by the objective leaves out the trials that have none.
    trials = [trial for trial in job.trials if trial.created <= since and order(trial) is not None]
    page, token = _page(question, trials, lambda trial: [order(trial), trial.name])
    rows = [answers.training_summary(question.account, job, trial, question.now, question.region) for trial in page]
    status = question.parameters.get("StatusEquals")
    return {"TrainingJobSummaries": [row for row in rows if status in (None, row["TrainingJobStatus"])], **token}


def list_tags(question: Question) -> dict[str, Any]:
    """ListTags, of tuning jobs alone."""
    arn = question.text("ResourceArn")
    for job in question.account.existing(question.now):
        if answers.tuning_job_arn(question.account, question.region, job.name).lower() == arn.lower():
            return {"Tags": [{"Key": "team", "Value": "demo"}, {"Key": "recording", "Value": job.run.key}]}
    raise ApiError("ValidationException", "Requested resource not found.")


def describe_training_job(question: Question) -> dict[str, Any]:
    """DescribeTrainingJob. A missing one is a ValidationException, not a ResourceNotFound."""
    found = question.account.training_job(question.text("TrainingJobName"), question.now)
    if found is None:
        raise ApiError("ValidationException", "Requested resource not found.")
    return answers.training_description(question.account, *found, question.now, question.region)


def describe_preview(question: Question) -> dict[str, Any]:
    """The preview's DescribeTuningJob."""
    return answers.preview_description(_named(question, "TuningJobName"), question.now)


OPERATIONS: Mapping[str, Callable[[Question], dict[str, Any]]] = {
    "ListHyperParameterTuningJobs": list_tuning_jobs,
    "DescribeHyperParameterTuningJob": describe_tuning_job,
    "ListTrainingJobsForHyperParameterTuningJob": list_training_jobs,
    "DescribeTrainingJob": describe_training_job,
    "ListTags": list_tags,
    "DescribeTuningJob": describe_preview,
}


def _named(question: Question, member: str) -> SimulatedJob:
    name = question.text(member)
    if len(name) > 32:
        raise _invalid(name, member, "Member must have length less than or equal to 32")
    if _TUNING_JOB_NAME.fullmatch(name) is None:
        pattern = _TUNING_JOB_NAME.pattern
        raise _invalid(name, member, f"Member must satisfy regular expression pattern: {pattern}")
    job = question.account.job(name, question.now)
    if job is None:
        raise ApiError(
            "ResourceNotFound",
            f"Amazon SageMaker can't find a tuning job that has the name {name}. "
            "Enter the name of a tuning job that exists in your AWS account.",
        )
    return job


def _page(
    question: Question, items: Sequence[Item], place: Callable[[Item], list[Any]]
) -> tuple[Sequence[Item], dict[str, str]]:
    """One page in the order asked for, and the next one's token: the last item's place, so that new jobs shift none."""
    size = question.parameters.get("MaxResults", 10)
    if not isinstance(size, int) or not 1 <= size <= 100:
        raise _invalid(size, "MaxResults", "Member must have value between 1 and 100")
    descending = _choice(question, "SortOrder", "Ascending", ("Ascending", "Descending")) == "Descending"
    ordered = sorted(items, key=place, reverse=descending)
    if (last := _last_place(question)) is not None:
        try:
            ordered = [item for item in ordered if (place(item) < last if descending else place(item) > last)]
        except TypeError:  # the place of another order
            raise _invalid_token() from None
    page = ordered[:size]
    return page, {"NextToken": page_token(place(page[-1]))} if len(ordered) > size else {}


def page_token(place: list[Any]) -> str:
    """A NextToken: opaque to callers."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def renewed_token(token: str) -> str:
    """Another token for the same place: clients give up where one token comes twice."""
    return base64.urlsafe_b64encode(b" " + base64.urlsafe_b64decode(token)).decode()


def _last_place(question: Question) -> list[Any] | None:
    token = question.parameters.get("NextToken")
    if token is None:
        return None
    try:
        place = json.loads(base64.urlsafe_b64decode(str(token).encode()))
    except ValueError:
        place = None
    if not isinstance(place, list):
        raise _invalid_token()
    return place


def _choice(question: Question, name: str, default: str, among: Sequence[str] | Mapping[str, Any]) -> str:
    value = str(question.parameters.get(name, default))
    if value not in among:
        raise _invalid(value, name, f"Member must satisfy enum value set: [{', '.join(among)}]")
    return value


def _matches(row: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    created, modified = row["CreationTime"], row["LastModifiedTime"]
    return (
        parameters.get("StatusEquals") in (None, row["HyperParameterTuningJobStatus"])
        and str(parameters.get("NameContains", "")).lower() in row["HyperParameterTuningJobName"].lower()
        and parameters.get("CreationTimeAfter", created) <= created <= parameters.get("CreationTimeBefore", created)
        and parameters.get("LastModifiedTimeAfter", modified) <= modified
        and modified <= parameters.get("LastModifiedTimeBefore", modified)
    )


def _invalid(value: Any, member: str, constraint: str) -> ApiError:
    where = member[:1].lower() + member[1:]
    return ApiError(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: {constraint}",
    )


def _invalid_token() -> ApiError:
    return ApiError("ValidationException", "Invalid NextToken")
