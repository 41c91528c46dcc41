"""Logs: one line an event, JSON for machines or plain for people, and no secret and no control character in either."""

import contextlib
import json
import logging
import math
import re
import sys
import traceback
from collections.abc import Collection, Iterable, MutableMapping
from typing import Any, Literal, TextIO

import structlog

from notifier.errors import NotifierError

LogFormat = Literal["console", "json"]

MASK = "********"
SHORTEST_SECRET = 4
"""A shorter one is masked only where it is the whole value: inside words it would be met by chance."""

_USERINFO = re.compile(r"(?<=://)[^/?#\s@]*(?:@[^/?#\s@]*)*@")
_LINES = {ord("\n"): "\n", ord("\t"): "\t"}
# Control characters, what turns the direction of writing, line separators, and halves of surrogate pairs.
_ACTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_LONG = ("exception", "stack_info")
"""Values of many lines, which keep their line ends."""
_KEPT = ("_record", "_from_structlog")
"""What structlog keeps in an event for itself until the line is written."""

EventDict = MutableMapping[str, Any]


def configure_logging(
    level: str, format: LogFormat | None, stream: TextIO, secrets: Collection[str] = frozenset()
) -> None:
    """Send every log of the process to `stream`: ours from `level` on, those of libraries from WARNING on.

    `level` is debug, info, warning or error. Without a format it is `console` on a terminal, else `json`. What
    `secrets` holds is masked wherever it appears, tracebacks included.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    chosen = format or ("console" if stream.isatty() else "json")
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_errors,
        Inert(secrets),
    ]
    after: list[structlog.typing.Processor] = [_in_order, _renderer(chosen, stream)]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *after],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, logging.WARNING))
    logging.getLogger("notifier").setLevel(threshold)
    # It finds the module that logs by looking past those that help it.
    named = structlog.stdlib.LoggerFactory(ignore_frame_names=[__name__])
    structlog.configure(
        processors=[*before, *after],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *names: Lines(named(*names).name, stream),
        cache_logger_on_first_use=False,
    )


class Lines:
    """The logger of one module, which writes each line at once.

    The standard library's way to the same stream takes as long again as all that makes the line. `name` is what
    structlog's own processors ask a logger for.
    """

    __slots__ = ("_stream", "name")

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name = name
        self._stream = stream

    def info(self, line: str) -> None:
        """Write a line. Where nobody reads it any more, or its disk is full, there is nobody to tell of that."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = warning = error = critical = info


def tell_errors(logger: Any, method: str, event: EventDict) -> EventDict:
    """Tell what a user can mend as `error="…"` in one line, and only what nobody foresaw with its traceback."""
    failure = _raised(event.pop("exc_info", None))
    if failure is not None:
        if (line := _own_line(failure)) is not None:
            event.setdefault("error", line)
        else:
            event["exception"] = "".join(traceback.format_exception(failure)).rstrip()
    if isinstance(error := event.get("error"), BaseException):
        event["error"] = _own_line(error) or f"{type(error).__name__}: {error}"
    return event


class Inert:
    """A processor that leaves nothing in an event that could be a secret or could act on a terminal."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._whole = frozenset(secret for secret in secrets if secret)
        inside = sorted((each for each in self._whole if len(each) >= SHORTEST_SECRET), key=len, reverse=True)
        # The longest goes first: one secret may be a part of another.
        self._inside = re.compile("|".join(map(re.escape, inside))) if inside else None

    def __call__(self, logger: Any, method: str, event: EventDict) -> EventDict:
        """Make every value inert."""
        return {
            name: value if name in _KEPT else self._value(value, lines=name in _LONG) for name, value in event.items()
        }

    def text(self, text: str, *, lines: bool = False) -> str:
        """The text without secrets; control characters become `\\x1b` and alike, line ends too unless `lines`."""
        if text in self._whole:
            return MASK
        if self._inside is not None:
            text = self._inside.sub(MASK, text)
        if "@" in text:
            text = _USERINFO.sub(f"{MASK}@", text)
        # What Python calls printable is never active; most values are, and it is found out in no time.
        return text if text.isprintable() else _ACTIVE.sub(lambda found: _visible(found[0], lines), text)

    def _value(self, value: Any, *, lines: bool = False) -> Any:
        if type(value) is str:
            return self.text(value, lines=lines)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            text = self.text(str(value))
            # JSON knows no NaN and no infinity.
            finite = not isinstance(value, float) or math.isfinite(value)
            return value if finite and text == str(value) else text
        if isinstance(value, dict):
            return {self.text(str(name)): self._value(each) for name, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(each) for each in value]
        return self.text(str(value), lines=lines)


def _renderer(format: LogFormat, stream: TextIO) -> structlog.typing.Processor:
    if format == "json":
        return structlog.processors.JSONRenderer(serializer=json.dumps, ensure_ascii=True)
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )


def _in_order(logger: Any, method: str, event: EventDict) -> EventDict:
    return {name: event[name] for name in ("timestamp", "level", "event") if name in event} | {**event}


def _visible(character: str, lines: bool) -> str:
    kept = _LINES.get(ord(character)) if lines else None
    return kept or character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _raised(exc_info: Any) -> BaseException | None:
    """The exception a log call speaks of: given itself, as a tuple, or as `True` for the one being handled."""
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    if exc_info is None or isinstance(exc_info, BaseException):
        return exc_info
    return sys.exc_info()[1] if exc_info else None


def _own_line(error: BaseException) -> str | None:
    """What our own error says; None for any other. A group of our own says all of them."""
    if isinstance(error, NotifierError):
        return str(error)
    if isinstance(error, BaseExceptionGroup):
        lines = [_own_line(each) for each in error.exceptions]
        return None if None in lines else "; ".join(line for line in lines if line)
    return None
