"""Why trials failed: reasons that say the same are one, however their numbers, paths and ids differ."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from notifier.model import Trial
from notifier.rendering.text import line

SHOWN = 110
_READ = 4000
"""Characters of a reason that are read: where they differ only later they are taken for one."""
_SAID = 300
"""Characters that tell one reason from another."""
_UNSAID = "no reason given"
_VARYING = (
    re.compile(r"arn:[\w-]+:\S+"),
    re.compile(r"\b[a-z0-9]+://\S+", re.IGNORECASE),
    re.compile(r"(?<![\w.])(?:/[\w.+@-]+){2,}/?"),
    re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE),
    re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE),
    re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", re.IGNORECASE),
    re.compile(r"[+-]?\d[\d.,:eE+-]*"),
)
_ERROR = re.compile(r"\b[A-Z]\w{0,60}(?:Error|Exception|Interrupt)\b")
_PLAINLY = re.compile(r"out of memory|AccessDenied|No space left|Killed", re.IGNORECASE)
_FRAME = re.compile(r"(?:Algorithm|Client|Capacity|InternalServer)Error\b")
"""AWS's own kinds of failure: they come first, and say least."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """So many trials that failed for the same reason, in the words of one of them: the `example`, a training job."""

    count: int
    words: str
    example: str


def clusters(trials: Sequence[Trial]) -> tuple[Cluster, ...]:
    """The reasons of the failed trials, the most frequent first; of those as frequent, the one met first."""
    alike: dict[str, list[Trial]] = {}
    for each in trials:
        if each.status == "Failed":
            alike.setdefault(_key(each.failure_reason or ""), []).append(each)
    found = [Cluster(len(each), _words(each[-1].failure_reason or ""), each[-1].name) for each in alike.values()]
    return tuple(sorted(found, key=lambda each: -each.count))


def _key(reason: str) -> str:
    text = _essence(reason)
    for varying in _VARYING:
        text = varying.sub("#", text)
    return " ".join(text.split()).lower()


def _words(reason: str) -> str:
    return line(_essence(reason), SHOWN) or _UNSAID


def _essence(reason: str) -> str:
    """What a reason says in one line: the last error of a traceback, else its beginning."""
    told = [told for each in reason[:_READ].splitlines() if (told := _telling(each))]
    telling = [each for each in told if not _FRAME.match(each)]
    return (telling or told or [reason])[-1].strip()[:_SAID]


def _telling(text: str) -> str:
    """The part of a line that says what went wrong; empty where none does."""
    errors = list(_ERROR.finditer(text))
    # "AlgorithmError: ExecuteUserScriptError: …": the innermost is the cause.
    cause = next((each for each in errors if not _FRAME.match(each[0])), errors[0] if errors else None)
    if cause is not None:
        return text[cause.start() :]
    return text if _PLAINLY.search(text) else ""
