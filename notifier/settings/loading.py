"""From an environment to the settings, or to everything that is wrong with it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from notifier.delivery import KINDS
from notifier.errors import Problem, SettingsError
from notifier.model import Api
from notifier.settings.accounts import account_problems
from notifier.settings.destinations import Built, build_destinations, choose_operator
from notifier.settings.explain import complaints, problem
from notifier.settings.filters import filter_problems
from notifier.settings.names import check_names, lookalikes
from notifier.settings.tree import COMPOSED, FLAT_VARIABLES, Settings, variable
from notifier.settings.variables import Variable, read_variables

_OPERATOR = variable("operator")


def load_settings(environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Settings:
    """The settings of this environment (the process's own where None), `.env` and the secrets directory.

    Raises SettingsError with every problem at once: nothing is started on settings of which one is wrong.
    """
    reading = read_variables(os.environ if environ is None else environ, dotenv)
    variables = reading.variables
    built = build_destinations(variables, {kind: each.settings for kind, each in KINDS.items()})
    operator = choose_operator(variables.get(_OPERATOR), built)
    problems = [*reading.problems, *check_names(variables.values())]
    problems += [*_preview_problems(variables), *account_problems(variables)]
    doubts = lookalikes(reading.foreign)
    settings, wrong = _validated(
        variables, built, operator=operator, aws_environment=reading.aws, lookalikes=tuple(doubts)
    )
    # What a flat variable says to several destinations is wrong once.
    problems = list(dict.fromkeys([*problems, *wrong, *built.problems]))
    if settings is not None:
        problems += filter_problems(settings, variables)
    if problems or settings is None:
        # A variable that nothing reads may be the reason why another is missing.
        raise SettingsError([*problems, *doubts])
    return settings


def _validated(
    variables: Mapping[str, Variable], built: Built, **composed: Any
) -> tuple[Settings | None, list[Problem]]:
    texts = {name: variables[name].value for name in FLAT_VARIABLES if name in variables and name != _OPERATOR}
    try:
        return Settings.of(texts, destinations=built.destinations, **composed), []
    except ValidationError as error:
        fields = [field for field in Settings.model_fields if field not in COMPOSED]
        named = {field: variables.get(variable(field), Variable(variable(field), "")) for field in fields}
        return None, complaints(error, named, fields)


def _preview_problems(variables: Mapping[str, Variable]) -> list[Problem]:
    """The preview's API has no List: a glob could never be filled. Nor do its jobs make events."""
    api, jobs = variables.get(variable("api")), variables.get(variable("jobs"))
    if api is None or api.value != Api.PREVIEW:
        return []
    if queue := variables.get(variable("sqs_queue_url")):
        return [problem(queue, "has no events of the preview's jobs: remove it, or NOTIFIER_API=preview")]
    if jobs is None or any(sign in jobs.value for sign in "*?["):
        name = jobs or Variable(variable("jobs"), "", api.origin)
        return [problem(name, "must name every tuning job in full: NOTIFIER_API=preview cannot list them")]
    return []
