"""Where messages go: the flat variables make some destinations, `NOTIFIER_DESTINATIONS__…` any number more."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import ValidationError

from notifier.delivery.settings import DestinationSettings
from notifier.errors import Problem
from notifier.settings.explain import complaints, problem
from notifier.settings.names import DESTINATION_FORM, DESTINATIONS
from notifier.settings.values import FILTERS, nearest, unknown_words
from notifier.settings.variables import Variable

Models = Mapping[str, type[DestinationSettings]]
"""What can be set of each kind of destination."""

FLAT = {
    "slack": {
        "token": "NOTIFIER_SLACK_BOT_TOKEN",
        "channel": "NOTIFIER_SLACK_CHANNEL",
        "url": "NOTIFIER_SLACK_API_URL",
    },
    "slack_webhook": {"url": "NOTIFIER_SLACK_WEBHOOK_URL"},
    "webhook": {"url": "NOTIFIER_WEBHOOK_URL", "secret": "NOTIFIER_WEBHOOK_SECRET"},
}
"""The destinations of the flat variables: named like their kind, there if the first of its variables is."""

_COMMA = re.compile(r",\s*[a-zA-Z][\w+.-]*://", re.ASCII)
"""Where lists are split elsewhere. In a URL of Apprise's a comma may stand, but no other URL after it."""
APPRISE, APPRISE_URLS = "apprise", "NOTIFIER_APPRISE_URLS"

CONSOLE = "console"

_FOR_PEOPLE = {
    "mention": "NOTIFIER_MENTION",
    "best_cooldown": "NOTIFIER_BEST_COOLDOWN",
    "min_improvement": "NOTIFIER_MIN_IMPROVEMENT",
    "quiet_hours": "NOTIFIER_QUIET_HOURS",
    "daily_summary": "NOTIFIER_DAILY_SUMMARY",
    "timezone": "NOTIFIER_TIMEZONE",
}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(slots=True)
class Built:
    """The destinations by name, those that are wrong left out, and what is wrong with them.

    `named` holds every name that was meant, the wrong ones too.
    """

    destinations: dict[str, DestinationSettings] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        name: str,
        kind: str,
        fields: Mapping[str, Variable],
        model: type[DestinationSettings],
        flat: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Validate one destination by the model of its kind. `flat` are the variables that fill its fields."""
        texts = {key: variable.value for key, variable in fields.items()}
        try:
            settings = model.model_validate({**texts, "kind": kind})
        except ValidationError as error:
            known = [key for key in model.model_fields if key != "kind"]
            long = {key: f"{DESTINATIONS}{name.upper()}__{key.upper()}" for key in known}
            named = {key: Variable(full, "") for key, full in {**long, **flat}.items()}
            self.problems += complaints(error, {**named, **fields}, known)
            return
        for key, check in FILTERS.items():
            try:
                check(getattr(settings, key))
            except ValueError as error:
                self.problems.append(problem(fields[key], str(error)))
        self.destinations[name] = settings


def build_destinations(variables: Mapping[str, Variable], models: Models) -> Built:
    """Every destination of the variables; the console where there is none."""
    built = Built()
    for name, names in FLAT.items():
        _build_flat(built, name, names, variables, models)
    _build_apprise(built, variables, models)
    for name, fields in _grouped(built, variables).items():
        _build_named(built, name, fields, variables, models)
    if not built.named:
        built.named.append(CONSOLE)
        built.add(CONSOLE, CONSOLE, _defaults(CONSOLE, variables, models[CONSOLE]), models[CONSOLE])
    return built


def choose_operator(variable: Variable | None, built: Built) -> tuple[str, ...]:
    """Who hears of the service's own troubles: those that are named, else every destination that people read."""
    if variable is None:
        return tuple(name for name, each in built.destinations.items() if each.people)
    names = tuple(dict.fromkeys(part.strip().lower() for part in variable.value.split(",") if part.strip()))
    if complaint := unknown_words(names, tuple(built.named), "destination"):
        built.problems.append(problem(variable, complaint))
    return names


def _build_flat(
    built: Built, name: str, names: Mapping[str, str], variables: Mapping[str, Variable], models: Models
) -> None:
    given = {key: variables[variable] for key, variable in names.items() if variable in variables}
    first = next(iter(names))
    if first in given:
        built.named.append(name)
        built.add(name, name, {**_defaults(name, variables, models[name]), **given}, models[name], names)
    else:
        # What is set to its default anyway, as in the example of the settings, misleads nobody.
        defaults = {key: models[name].model_fields[key].default for key in given}
        for variable in (each for key, each in given.items() if each.value != defaults[key]):
            built.problems.append(problem(variable, f"has no {names[first]} to go with: set that too, or remove this"))


def apprise_name(url: str) -> str:
    """What the destination of a URL in `NOTIFIER_APPRISE_URLS` is called: the same at every start, and no secret."""
    return f"{APPRISE}_{hashlib.sha256(url.encode()).hexdigest()[:8]}"


def _build_apprise(built: Built, variables: Mapping[str, Variable], models: Models) -> None:
    """One destination for each URL. What is wrong with one says which, by its place in the list."""
    if (urls := variables.get(APPRISE_URLS)) is None:
        return
    model = models[APPRISE]
    defaults = _defaults(APPRISE, variables, model)
    if _COMMA.search(urls.value):
        text = "holds a comma between two URLs: write a space there"
        built.problems.append(Problem(APPRISE_URLS, f"{text} ({urls.origin})" if urls.origin else text))
        return
    for place, url in enumerate(dict.fromkeys(urls.value.split()), start=1):
        name, known = apprise_name(url), len(built.problems)
        built.named.append(name)
        built.add(name, APPRISE, {**defaults, "url": Variable(APPRISE_URLS, url, urls.origin)}, model)
        built.problems[known:] = [_placed(each, place) for each in built.problems[known:]]


def _placed(wrong: Problem, place: int) -> Problem:
    return Problem(wrong.variable, f"URL {place} {wrong.message}") if wrong.variable == APPRISE_URLS else wrong


def _build_named(
    built: Built, name: str, fields: dict[str, Variable], variables: Mapping[str, Variable], models: Models
) -> None:
    first = next(iter(fields.values()))
    if name in built.named:
        flat = next(iter(FLAT[name].values())) if name in FLAT else APPRISE_URLS
        built.problems.append(problem(first, f"the destination {name} is already made by {flat}: choose another name"))
        return
    built.named.append(name)
    kind = fields.pop("kind", None)
    known = ", ".join(models)
    if kind is None:
        named = Variable(f"{DESTINATIONS}{name.upper()}__KIND", "", first.origin)
        built.problems.append(problem(named, f"is needed: one of {known}"))
    elif kind.value.lower() in models:
        model = models[kind.value.lower()]
        built.add(name, kind.value.lower(), {**_defaults(kind.value.lower(), variables, model), **fields}, model)
    else:
        guess = nearest(kind.value.lower(), models)
        hint = f"did you mean {guess}? " if guess else ""
        built.problems.append(problem(kind, f"is no kind of destination: {hint}there are {known}"))


def _grouped(built: Built, variables: Mapping[str, Variable]) -> dict[str, dict[str, Variable]]:
    """The fields of each named destination, by name and field, both in small letters."""
    groups: dict[str, dict[str, Variable]] = {}
    for full, variable in sorted(variables.items()):
        if not full.startswith(DESTINATIONS):
            continue
        name, _, key = full.removeprefix(DESTINATIONS).lower().partition("__")
        if not key or not _NAME.fullmatch(name):
            built.problems.append(problem(variable, f"is not of the form {DESTINATION_FORM}"))
        else:
            groups.setdefault(name, {})[key] = variable
    return groups


def _defaults(kind: str, variables: Mapping[str, Variable], model: type[DestinationSettings]) -> dict[str, Variable]:
    """What the flat variables say to every destination of this kind."""
    names = dict(_FOR_PEOPLE) if model.people else {}
    if kind.startswith("slack"):
        names["rate"] = "NOTIFIER_SLACK_RATE"
    return {
        key: variables[variable]
        for key, variable in names.items()
        if key in model.model_fields and variable in variables
    }
