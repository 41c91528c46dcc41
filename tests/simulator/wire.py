"""Answers as a client receives them."""

from datetime import UTC, datetime
from typing import Any


def received(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with its epoch numbers read as times, as botocore does."""
    return {name: _read(name, value) for name, value in answer.items()}


def _read(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return received(value)
    return datetime.fromtimestamp(value, UTC) if name.endswith("Time") and isinstance(value, float) else value
