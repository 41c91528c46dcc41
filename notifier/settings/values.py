"""How the texts of single settings are read. Failures say what would be right, and never repeat a secret."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from notifier.delivery.http import checked_url
from notifier.delivery.settings import Duration, Listed
from notifier.model import EventType, Status
from notifier.model.globs import may_meet
from notifier.model.identity import ACCOUNT_HERE
from notifier.rendering.slack import mention_markup

REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d{1,2}")
ACCOUNT = re.compile(r"\d{12}", re.ASCII)
# A name that begins with `role/` is the end of an ARN, and not what was meant.
ROLE = re.compile(r"(?!role/)(arn:aws[a-z-]*:iam::\d{12}:role/)?([\w+=,.@-]+/)*[\w+=,.@-]{1,64}", re.ASCII)
EXTERNAL_ID = re.compile(r"(?!.*://)[\w+=,.@:/-]{2,1224}", re.ASCII)
NAME = re.compile(r"[\w.-]+", re.ASCII)
NAME_OR_GLOB = re.compile(r"[\w.*?!\[\]-]+", re.ASCII)
DATABASE = re.compile(r"(sqlite|postgres|postgresql)(\+\w+)?://.*", re.IGNORECASE | re.DOTALL)
ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^:\s\[\]/]+):(?P<port>\d{1,5})", re.ASCII)

# As long as a tuning job's name may be, and shorter than any key that signs webhooks.
_REPEATABLE = re.compile(r"[^:/@=+]{0,32}")

EVENT_WORDS = tuple(kind.word for kind in EventType)
STATUSES = tuple(status.value for status in Status)

Check = Callable[[tuple[str, ...]], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """Where the pages are served. `host` is without brackets; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Shown:
    """How a default reads that is more than a value."""

    text: str


@dataclass(frozen=True, slots=True)
class InSeconds:
    """Marks a number that people write as a duration."""


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, if any is."""
    return next(iter(get_close_matches(wrong, list(known), n=1)), None)


def unknown_words(words: Sequence[str], known: tuple[str, ...], what: str) -> str | None:
    """Says which word is none of the known, and which was probably meant; None where all are known."""
    for word in words:
        if word not in known:
            guess = nearest(word, known)
            hint = f"did you mean {guess}?" if guess else f"there are {', '.join(known)}"
            return f"{quoted(word, words)} is no {what}: {hint}"
    return None


def quoted(word: str, words: Iterable[str]) -> str:
    """A wrong word of a list, unless an address, a key or a token may have been put here by mistake."""
    return repr(word) if all(_REPEATABLE.fullmatch(each) for each in words) else "what is written"


def _known(words: tuple[str, ...], what: str) -> Check:
    def check(chosen: tuple[str, ...]) -> tuple[str, ...]:
        if complaint := unknown_words(chosen, words, what):
            raise ValueError(complaint)
        return chosen

    return check


def _globs(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not NAME_OR_GLOB.fullmatch(name):
            complaint = f"{quoted(name, names)} can match no tuning job"
            raise ValueError(f"{complaint}: write names, or globs with * ? [ ], between commas")
    return names


def _some(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("names nothing: write names or globs between commas, or * for all")
    return names


def _not_all(names: tuple[str, ...]) -> tuple[str, ...]:
    if "*" in names:
        raise ValueError("leaves every job out: name those that are not to be watched")
    return names


def _regions(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not REGION.fullmatch(name):
            raise ValueError(f"{quoted(name, names)} is no region: write for example us-east-1, eu-west-1")
    return tuple(dict.fromkeys(names))


def _accounts(numbers: tuple[str, ...]) -> tuple[str, ...]:
    for number in numbers:
        if not ACCOUNT.fullmatch(number):
            raise ValueError(f"{quoted(number, numbers)} is no account: write its 12 digits")
    return numbers


def _once(numbers: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice:
        raise ValueError(f"names account {twice} more than once: name each once")
    return numbers


def _role(role: str) -> str:
    # An account's number stands where one will be put in.
    if not role or ROLE.fullmatch(role.replace(ACCOUNT_HERE, "0" * 12)):
        return role
    raise ValueError("is no role: write its name, or its ARN as in arn:aws:iam::{account}:role/notifier")


def _external_id(external_id: str) -> str:
    if external_id and not EXTERNAL_ID.fullmatch(external_id):
        raise ValueError("is no external id: it has 2 to 1224 letters, digits and + = , . @ : / - _, and is no address")
    return external_id


def tag_pair(text: str) -> tuple[str, str]:
    """A tag of a filter: its key, and the glob of its value. Raises ValueError where it is none."""
    key, _, value = (each.strip() for each in text.partition("="))
    if not key or not value:
        raise ValueError(f"{quoted(key, [key])} is no tag with its value: write for example team=vision,env=prod-*")
    return key, value


def _tags(pairs: tuple[str, ...]) -> tuple[str, ...]:
    asked: dict[str, str] = {}
    for key, value in map(tag_pair, pairs):
        if not may_meet(asked.setdefault(key, value), value):
            raise ValueError(f"can never match: all must match, and {quoted(key, [key])} is to have two values at once")
    return pairs


def _statuses(chosen: tuple[str, ...]) -> tuple[str, ...]:
    if chosen and set(chosen) == {Status.IN_PROGRESS}:
        raise ValueError("can never match: a job never comes to be InProgress again, and that it began is `started`")
    return chosen


FILTERS: Mapping[str, Check] = {
    "jobs": _globs,
    "events": _known(EVENT_WORDS, "event type"),
    "statuses": lambda chosen: _statuses(_known(STATUSES, "status")(chosen)),
    "accounts": _accounts,
    "regions": _regions,
    "tags": _tags,
}
"""The filters of a destination, by field; each check raises ValueError saying what is wrong."""


def _mention(who: str) -> str:
    mention_markup(who)
    return who


def _database_url(secret: SecretStr) -> SecretStr:
    if not DATABASE.fullmatch(secret.get_secret_value()):
        raise ValueError("must be sqlite:///<file> or postgresql://user@host/database: other databases are not taken")
    return secret


def _queue_url(url: str) -> str:
    if url and not _names_a_queue(url):
        raise ValueError("is no queue's URL: write it as https://sqs.us-east-1.amazonaws.com/111122223333/notifier")
    return url


def _names_a_queue(url: str) -> bool:
    try:
        parts = urlsplit(url)
        here = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(here and parts.path.strip("/")) and not (parts.username or parts.query or parts.fragment)


def _address(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value:
        return None
    match = ADDRESS.fullmatch(value)
    if match is None or int(match["port"]) > 65535:
        raise ValueError("must be host:port with a port up to 65535, for example 127.0.0.1:8080, or empty for none")
    return HttpAddress(match["host"].strip("[]"), int(match["port"]))


def _a_second_or_more(seconds: float) -> float:
    if seconds < 1:
        raise ValueError("must be at least 1s")
    return seconds


def _lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Seconds = Annotated[Duration, InSeconds()]
Interval = Annotated[Seconds, AfterValidator(_a_second_or_more)]
Globs = Annotated[Listed, AfterValidator(_globs)]
SparingGlobs = Annotated[Globs, AfterValidator(_not_all)]
SomeGlobs = Annotated[Globs, AfterValidator(_some)]
Regions = Annotated[Listed, AfterValidator(_regions)]
Accounts = Annotated[Listed, AfterValidator(_accounts), AfterValidator(_once)]
RoleName = Annotated[str, AfterValidator(_role)]
ExternalId = Annotated[str, AfterValidator(_external_id)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""A part of the whole: 0.25 is a quarter."""

EventWords = Annotated[Listed, AfterValidator(FILTERS["events"])]
WebUrl = Annotated[SecretStr, AfterValidator(checked_url)]
Mention = Annotated[str, AfterValidator(_mention)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
Address = Annotated[HttpAddress | None, BeforeValidator(_address)]
QueueUrl = Annotated[str, AfterValidator(_queue_url)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lowered)]
LogFormat = Annotated[Literal["console", "json"], BeforeValidator(_lowered)]
