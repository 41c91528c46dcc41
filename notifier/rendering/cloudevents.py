"""An event as programs read it: CloudEvents 1.0 in structured mode, strict JSON, at most 64 KiB."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from notifier.model import BestChange, BestSnapshot, Event, Notice

LIMIT = 64 * 1024
"""Bytes of a body at most: what CloudEvents asks every receiver to take."""
_LEFT_OUT = ("ParameterRanges", "MetricDefinitions")
_SHRINKING = ((8192, 1000), (1024, 250), (256, 100), (64, 25))
"""Characters of a text and members of a list or map that are kept, until the body fits."""

_NAME = 2048
"""Characters of the source and the subject at most."""


def body(event: Event | Notice) -> bytes:
    """The webhook's body. Too large, it loses the ranges, then the metric definitions, then the ends of long texts."""
    envelope = _of_notice(event) if isinstance(event, Notice) else _of_event(event)
    text = _quickly(envelope)
    if text is not None and len(text) <= LIMIT:
        return text
    told = _strict(envelope)
    if len(text := _encoded(told)) <= LIMIT:
        return text
    data = told["data"]
    data["truncated"] = True
    for member in _LEFT_OUT:
        data.get("tuning_job", {}).pop(member, None)
        if len(text := _encoded(told)) <= LIMIT:
            return text
    # No tuning job has such a name; but a body that no receiver takes would be the worse answer.
    told = {name: _shrunk(value, _NAME, 0) for name, value in told.items()}
    for characters, members in _SHRINKING:
        told["data"] = _shrunk(data, characters, members)
        if len(text := _encoded(told)) <= LIMIT:
            break
    return text


def _of_event(event: Event) -> dict[str, Any]:
    job = event.job
    return {
        **_head(event, job.source),
        "subject": job.name,
        "data": {
            "account_id": job.account_id,
            "region": job.region,
            "tuning_job_arn": job.arn,
            "created_at": job.created_at,
            "console_url": job.console_url,
            "objective": event.best.objective if event.best else job.direction_of(job.best),
            "change": _change(event),
            "tuning_job": job.to_response(),
        },
    }


def _of_notice(notice: Notice) -> dict[str, Any]:
    data = {"title": notice.title, "lines": list(notice.lines), "scope": notice.scope}
    return {**_head(notice, "urn:notifier"), "data": data}


def _head(event: Event | Notice, source: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": event.type.value,
        "time": event.time,
        "datacontenttype": "application/json",
    }


def _change(event: Event) -> dict[str, Any]:
    if event.status:
        return {"from": event.status.before, "to": event.status.after}
    return _best_change(event.best) if event.best else dict(event.figures)


def _best_change(change: BestChange) -> dict[str, Any]:
    return {
        "current": _snapshot(change.current),
        "previous": _snapshot(change.previous) if change.previous else None,
        "objective": change.objective,
        "improvement": change.improvement,
    }


def _snapshot(best: BestSnapshot) -> dict[str, Any]:
    return {
        "training_job_name": best.training_job_name,
        "metric_name": best.metric_name,
        "value": best.value,
        "hyperparameters": dict(best.hyperparameters),
    }


def _quickly(value: Any) -> bytes | None:
    """What `_strict` leads to, in half the time; None where something is not as it should be: NaN, half a character."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_as_json).encode()
    except (ValueError, TypeError):
        return None


def _as_json(value: Any) -> Any:
    match value:
        case datetime():
            return _utc(value)
        case Mapping():
            return dict(value)
        case Sequence():
            return list(value)
    raise TypeError(type(value).__name__)


def _utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _strict(value: Any) -> Any:
    """The value as JSON can say it: times RFC 3339 in UTC, no NaN or Infinity, no lone surrogates."""
    match value:
        case datetime():
            return _utc(value)
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {_strict(name): _strict(each) for name, each in value.items()}
        case Sequence():
            return [_strict(each) for each in value]
    return value


def _shrunk(value: Any, characters: int, members: int) -> Any:
    match value:
        case str():
            return value if len(value) <= characters else value[: characters - 1] + "…"
        case dict():
            kept = list(value.items())[:members]
            return {_shrunk(name, characters, members): _shrunk(each, characters, members) for name, each in kept}
        case list():
            return [_shrunk(each, characters, members) for each in value[:members]]
    return value
