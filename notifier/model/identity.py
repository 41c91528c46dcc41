"""Which job, in which account, seen through which API."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

ACCOUNT_HERE = "{account}"
"""Stands for an account's number where the name of a role is written."""
CONSOLE_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


class Api(StrEnum):
    """The two dialects: today's operations, and the preview's `describe_tuning_job`."""

    HYPERPARAMETER = "hyperparameter"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a source looks: a region, and its account where the settings name it (None: the credentials' own)."""

    region: str
    account: str | None = None

    def __str__(self) -> str:
        """As one word: `us-east-1`, or `111122223333/us-east-1`."""
        return f"{self.account}/{self.region}" if self.account else self.region

    @property
    def phrase(self) -> str:
        """As it reads after the word *in*: `us-east-1`, or `us-east-1 of account 111122223333`."""
        return f"{self.region} of account {self.account}" if self.account else self.region


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One account and region through one API: what one sweep covers. `account_id` is 12 digits."""

    account_id: str
    region: str
    api: str = Api.HYPERPARAMETER

    @property
    def key(self) -> str:
        """The scope as one word, for keys and logs: `111122223333/us-east-1/hyperparameter`."""
        return f"{self.account_id}/{self.region}/{self.api}"


@dataclass(frozen=True, slots=True, order=True)
class JobIdentity:
    """A tuning job for ever: a name used again is another job, because its creation time differs.

    `name` is lower-cased (names are case-insensitive); `created` is epoch seconds, floored.
    """

    account_id: str
    region: str
    name: str
    created: int
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A sweep asks for it several times a row; a hash over four fields takes as long as comparing the row.
        object.__setattr__(self, "_hash", hash((self.account_id, self.region, self.name, self.created)))

    def __hash__(self) -> int:
        return self._hash

    @classmethod
    def of(cls, account_id: str, region: str, name: str, created_at: datetime) -> "JobIdentity":
        """The identity of a job as any answer of the API names it."""
        lower = name.lower()
        # Most names are in small letters, and thousands are kept: the same text then is the same object.
        return cls(account_id, region, name if name == lower else lower, int(created_at.timestamp()))

    @property
    def key(self) -> str:
        """The identity as one word: what the store's keys and the order of delivery go by."""
        return f"{self.account_id}/{self.region}/{self.name}/{self.created}"

    @staticmethod
    def name_in(key: str) -> str | None:
        """The name of the job of a key, in small letters; None where a key is not a job's."""
        parts = key.split("/")
        return parts[2] if len(parts) == 4 else None


def partition(region: str) -> str:
    """The AWS partition of a region: `aws`, `aws-cn`, `aws-us-gov`, or `aws-iso` for those without a known console."""
    if region.startswith("cn-"):
        return "aws-cn"
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    if "-iso" in region or region.startswith(("eusc-", "us-iso")):
        return "aws-iso"
    return "aws"


def log_url(region: str, training_job: str) -> str | None:
    """The console page of a training job's log streams, None where no console is known."""
    host = CONSOLE_HOSTS.get(partition(region))
    # After the #, CloudWatch's console wants everything encoded twice, with $ for %.
    group = "$252Faws$252Fsagemaker$252FTrainingJobs"
    page = f"logsV2:log-groups/log-group/{group}$3FlogStreamNameFilter$3D{training_job}"
    return f"https://{region}.{host}/cloudwatch/home?region={region}#{page}" if host else None


def console_url(region: str, kind: str, name: str) -> str | None:
    """The console page of a job, None where no console is known; `kind` is `hyper-tuning-jobs` or `jobs`."""
    host = CONSOLE_HOSTS.get(partition(region))
    return f"https://{region}.{host}/sagemaker/home?region={region}#/{kind}/{name}" if host else None
