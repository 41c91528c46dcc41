"""Where settings come from: the environment, then `.env`, then a directory of files, one name to one text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from dotenv.parser import parse_stream

from notifier.errors import Problem

PREFIX = "NOTIFIER_"
SECRETS_DIR = "NOTIFIER_SECRETS_DIR"
DEFAULT_SECRETS_DIR = Path("/run/secrets")
LARGEST_SECRET = 64 * 1024
QUOTES = ('""', "''", "“”", "‘’")

DATABASE_URL, HTTP = "NOTIFIER_DATABASE_URL", "NOTIFIER_HTTP"
STAND_INS = {DATABASE_URL: "DATABASE_URL", HTTP: "PORT"}
"""Names that platforms set, taken where ours is not set."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One name and its text. `origin` says where it was found, None for the environment."""

    name: str
    value: str = field(repr=False)
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was found: variables by upper-case name, what `.env` says to AWS's client, and what is unreadable.

    `foreign` are the others, as they are spelled and without their values, which are none of our business.
    """

    variables: dict[str, Variable]
    aws: dict[str, str] = field(repr=False)
    problems: list[Problem]
    foreign: list[Variable]


def read_variables(environ: Mapping[str, str], dotenv: Path | None) -> Reading:
    """Read all three places. Names are told apart without regard to case, values come without blanks around them."""
    problems: list[Problem] = []
    written = _read_dotenv(dotenv, problems) if dotenv else {}
    variables = {
        **_ours(written.items(), f"in {dotenv}", problems),
        **_ours(environ.items(), None, problems),
    }
    secrets, others = _read_secrets(variables.get(SECRETS_DIR), problems)
    variables = {**secrets, **variables}
    foreign = [*_foreign(environ.items(), None), *_foreign(written.items(), f"in {dotenv}"), *others]
    for name, stand_in in STAND_INS.items():
        found = variables.pop(stand_in, None)
        if found and found.value and name not in variables:
            if name == HTTP and not found.value.isdecimal():
                problems.append(Problem(stand_in, "must be the number of a port; an address goes into NOTIFIER_HTTP"))
                continue
            value = f"0.0.0.0:{found.value}" if name == HTTP else found.value
            variables[name] = Variable(stand_in, value, found.origin)
    aws = {name: value for name, value in written.items() if name.startswith("AWS_") and value}
    problems += [Problem(name, fault) for name, value in aws.items() if (fault := _no_text(value))]
    return Reading(variables, aws, problems, foreign)


def _ours(found: Iterable[tuple[str, str]], origin: str | None, problems: list[Problem]) -> dict[str, Variable]:
    """Those that speak to us. Empty means unset, except where it turns something off."""
    ours: dict[str, Variable] = {}
    for spelled, text in found:
        name, value = spelled.upper(), text.strip()
        if not _speaks_to_us(name) or (not value and name != HTTP):
            continue
        if fault := _no_text(value) or _not_meant(value):
            problems.append(Problem(name, fault))
            continue
        if name in ours:
            problems.append(Problem(name, "is set twice, in capital and in small letters: keep one"))
        ours[name] = Variable(name, value, origin)
    return ours


def _foreign(found: Iterable[tuple[str, str]], origin: str | None) -> list[Variable]:
    return [Variable(name, "", origin) for name, text in found if text.strip() and not _speaks_to_us(name)]


def _no_text(value: str) -> str | None:
    if "\x00" in value:
        return "holds a NUL character: remove it"
    # Bytes of an environment that are not UTF-8 come as halves of surrogate pairs.
    return "is not text in UTF-8: correct it" if any("\ud800" <= sign <= "\udfff" for sign in value) else None


def _not_meant(value: str) -> str | None:
    """What nobody means to say: docker's --env-file keeps quotes, which a shell and `.env` take away."""
    if value[:1] + value[1:][-1:] in QUOTES:
        return "stands in quotes, which are part of the value here: remove them"
    return "still holds the … of an example: write it out" if "…" in value else None


def _speaks_to_us(name: str) -> bool:
    return name.upper().startswith(PREFIX) or name.upper() in STAND_INS.values()


def _read_dotenv(path: Path, problems: list[Problem]) -> dict[str, str]:
    # A directory of that name is what container engines make of a file they did not find.
    if not path.is_file():
        return {}
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        problems.append(Problem(str(path), _unreadable(error)))
        return {}
    bindings = list(parse_stream(StringIO(text)))
    wrong = [binding.original.line for binding in bindings if binding.error]
    problems += [Problem(str(path), f"line {line} is not NAME=value: correct it") for line in wrong]
    # Nothing is put in for `${…}`: what is written is what is meant, and it may be a part of a password.
    return {binding.key: binding.value or "" for binding in bindings if binding.key}


def _read_secrets(chosen: Variable | None, problems: list[Problem]) -> tuple[dict[str, Variable], list[Variable]]:
    """The variables of the files that are ours, and the names of the others, which are not opened."""
    directory = Path(chosen.value) if chosen else DEFAULT_SECRETS_DIR
    try:
        names = sorted(directory.iterdir())
        paths = [path for path in names if _speaks_to_us(path.name) and path.is_file()]
    except (OSError, ValueError) as error:
        if chosen:
            # The name is not repeated: a secret itself may stand where its directory should.
            problems.append(Problem(SECRETS_DIR, f"the directory {_unreadable(error)}"))
        return {}, []
    texts = [(path.name, text) for path in paths if (text := _read_secret(path, problems)) is not None]
    origin = f"in {directory}"
    return _ours(texts, origin, problems), _foreign(((path.name, path.name) for path in names), origin)


def _read_secret(path: Path, problems: list[Problem]) -> str | None:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_SECRET + 1)
        if len(content) <= LARGEST_SECRET:
            return content.decode("utf-8-sig")
        problems.append(Problem(path.name.upper(), f"the file {path} is larger than 64 KiB: write only the value"))
    except (OSError, ValueError) as error:
        problems.append(Problem(path.name.upper(), f"the file {path} {_unreadable(error)}"))
    return None


def _unreadable(error: OSError | ValueError) -> str:
    """Why, without a byte of the content."""
    if isinstance(error, UnicodeDecodeError):
        return "cannot be read: it is not UTF-8"
    reason = error.strerror if isinstance(error, OSError) else None
    return f"cannot be read: {reason or type(error).__name__}"
