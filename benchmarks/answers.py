"""What the endpoint of the benchmarks answers: a recorded Describe, and rows as List gives them."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ACCOUNT, REGION = "111122223333", "us-east-1"
RECORDED = Path(__file__).parents[1] / "tests" / "samples" / "describe_tuning-job2022-02-01-02-52-55.json"
SPACING = 60.0
"""Seconds between the creation of one job and the next."""
TRIALS = 500


@dataclass(slots=True)
class Job:
    """One tuning job; `created` is epoch seconds. Its best is the trial `best`, better with every number."""

    name: str
    created: float
    status: str
    completed: int = 3
    best: int = 1

    def row(self) -> dict[str, Any]:
        """The job as List shows it, which takes about 700 bytes."""
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/{self.name}"
        ended = {} if self.status == "InProgress" else {"HyperParameterTuningEndTime": self.created + 1800.0}
        return ended | {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobArn": arn,
            "HyperParameterTuningJobStatus": self.status,
            "Strategy": "Bayesian",
            "CreationTime": self.created,
            "LastModifiedTime": self.created + 1800.0,
            "TrainingJobStatusCounters": {
                "Completed": self.completed,
                "InProgress": 2,
                "RetryableError": 0,
                "NonRetryableError": 0,
                "Stopped": 0,
            },
            "ObjectiveStatusCounters": {"Succeeded": self.completed, "Pending": 0, "Failed": 0},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": TRIALS, "MaxParallelTrainingJobs": 2},
        }

    def description(self, recorded: dict[str, Any]) -> dict[str, Any]:
        """The job as Describe shows it: the recorded answer, with what is this job's own."""
        metric = recorded["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]
        best = recorded["BestTrainingJob"] | {
            "TrainingJobName": trial_name(self.name, self.best),
            "FinalHyperParameterTuningJobObjectiveMetric": metric | {"Value": 1.0 / self.best},
        }
        own = {name: value for name, value in self.row().items() if name not in ("Strategy", "ResourceLimits")}
        kept = {name: value for name, value in recorded.items() if name != "HyperParameterTuningEndTime"}
        return kept | own | {"BestTrainingJob": best}


def trial_name(job: str, number: int) -> str:
    """The name of a job's trial."""
    return f"{job}-{number:03d}"


def jobs(unfinished: int, ended: int, now: float) -> list[Job]:
    """The jobs of an account, newest first: those that are not over, then those that are."""
    return [
        Job(f"sweep-{index:05d}", now - index * SPACING, "InProgress" if index < unfinished else "Completed")
        for index in range(unfinished + ended)
    ]


def recorded_description() -> dict[str, Any]:
    """The recorded answer as it goes over the wire, where times are epoch seconds."""
    answer: dict[str, Any] = json.loads(RECORDED.read_text())
    del answer["ResponseMetadata"]
    return {name: _on_the_wire(value) for name, value in answer.items()}


def _on_the_wire(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _on_the_wire(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_on_the_wire(each) for each in value]
    if isinstance(value, str) and value[:2] == "20" and value[10:11] in ("T", " "):
        return datetime.fromisoformat(value).timestamp()
    return value
