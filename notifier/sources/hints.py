"""What a message of the queue says: which job to look at. Whatever else an event tells may be late, and is not read."""

import json
import re
from typing import Any

from notifier.model import Hint
from notifier.sources.members import Answer, Unreadable, required_part, required_text, text

TUNING = "SageMaker HyperParameter Tuning Job State Change"
TRAINING = "SageMaker Training Job State Change"

SETTLE_SECONDS = 10.0
"""A training job's events come by the dozen, and its tuning job counts it, and knows its value, some seconds later."""

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d{1,2}", re.ASCII)
_NAME = re.compile(r"[a-zA-Z0-9-]{1,64}", re.ASCII)
_ARN = re.compile(r"arn:[\w-]+:sagemaker:[\w-]+:\d{12}:hyper-parameter-tuning-job/(?P<name>[^/]+)", re.ASCII)


def read_hint(body: str) -> Hint | None:
    """The hint in a message: an event of EventBridge, as it is or wrapped by SNS. None: it is about something else.

    Raises Unreadable, whose text holds nothing of the message.
    """
    event = _parsed(body)
    if "detail-type" not in event and event.get("Type") == "Notification":
        event = _parsed(required_text(event, "Message"))
    kind = required_text(event, "detail-type")
    if kind not in (TUNING, TRAINING) or event.get("source") != "aws.sagemaker":
        return None
    detail = required_part(event, "detail")
    name = required_text(detail, "HyperParameterTuningJobName") if kind == TUNING else _of_trial(detail)
    if name is None:
        return None
    return Hint(
        account_id=_matching(_ACCOUNT, required_text(event, "account"), "account"),
        region=_matching(_REGION, required_text(event, "region"), "region"),
        name=_matching(_NAME, name, "the tuning job's name"),
        wait=0.0 if kind == TUNING else SETTLE_SECONDS,
    )


def _of_trial(detail: Answer) -> str | None:
    """The tuning job that a training job belongs to; most belong to none."""
    arn = text(detail, "TuningJobArn")
    if arn is None:
        return None
    found = _ARN.fullmatch(arn)
    if found is None:
        raise Unreadable("TuningJobArn is not the ARN of a tuning job")
    return found["name"]


def _parsed(body: str) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    # Brackets by the thousand are JSON too, and more than Python descends.
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(parsed, dict):
        raise Unreadable("it is no event of EventBridge")
    return parsed


def _matching(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise Unreadable(f"{what} is none")
    return value
