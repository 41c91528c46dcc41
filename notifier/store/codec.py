"""Events, notices and records as JSON text, and back: what was stored is what comes out, whatever AWS wrote into it."""

import json
import re
from functools import cache
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from notifier.model import Event, Notice, Trial, TuningJob

T = TypeVar("T")

_SURROGATES = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def encode_body(body: Event | Notice) -> str:
    """An event or a notice as JSON text, times in UTC."""
    return _encode(_bodies(), body)


def decode_body(text: str) -> Event | Notice | None:
    """What encode_body was given; None for a body that this version cannot read."""
    return _decode(_bodies(), text)


def encode_record(record: TuningJob) -> str:
    """A record as JSON text, times in UTC."""
    return _encode(_records(), record)


def decode_record(text: str) -> TuningJob | None:
    """What encode_record was given; None for a record that this version cannot read."""
    return _decode(_records(), text)


def encode_trial(trial: Trial) -> str:
    """A trial as JSON text, times in UTC."""
    return _encode(_trials(), trial)


def decode_trial(text: str) -> Trial | None:
    """What encode_trial was given; None for a trial that this version cannot read."""
    return _decode(_trials(), text)


def plain(text: str) -> str:
    """Text as any database takes it in a column: lone surrogates (not UTF-8) and NUL (not PostgreSQL) replaced."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def plain_or_none(text: str | None) -> str | None:
    """As `plain`, where there may be none."""
    return None if text is None else plain(text)


# Made when first needed: commands that only print help should not pay for them.
@cache
def _bodies() -> TypeAdapter[Event | Notice]:
    return TypeAdapter(Event | Notice)


@cache
def _records() -> TypeAdapter[TuningJob]:
    return TypeAdapter(TuningJob)


@cache
def _trials() -> TypeAdapter[Trial]:
    return TypeAdapter(Trial)


def _encode(adapter: TypeAdapter[T], value: T) -> str:
    try:
        return adapter.dump_json(value).decode()
    except PydanticSerializationError:
        # pydantic writes UTF-8 and stops at a lone surrogate, which a hostile answer can hold in any of its texts.
        text = json.dumps(adapter.dump_python(value, mode="json"), ensure_ascii=False)
        return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def _decode(adapter: TypeAdapter[T], text: str) -> T | None:
    try:
        return adapter.validate_json(text)
    except ValidationError:
        return None
