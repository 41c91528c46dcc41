"""Which names are settings: a name that is none may be a typing error, and would be obeyed by nobody."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

from notifier.errors import Problem
from notifier.settings.explain import problem
from notifier.settings.tree import FLAT_VARIABLES
from notifier.settings.values import nearest
from notifier.settings.variables import PREFIX, Variable

DESTINATIONS = "NOTIFIER_DESTINATIONS__"
DESTINATION_FORM = f"{DESTINATIONS}<NAME>__<FIELD>"

# Another program's NOTIFY_SOCKET or NOTIFIED_AT stays below both, NOTIFER_SLACK_URL does not.
_SAME_BEGINNING, _SAME_NAME = 0.85, 0.82

# What Kubernetes tells every container of a service that is called notifier.
_KUBERNETES = re.compile(r"NOTIFIER_(PORT(_.*)?|SERVICE_.*)")


def check_names(variables: Iterable[Variable]) -> list[Problem]:
    """A problem for each name that nothing reads."""
    return [problem(each, complaint) for each in variables if (complaint := _complaint(each.name))]


def lookalikes(foreign: Iterable[Variable]) -> list[Problem]:
    """A word on each foreign name that is nearly a setting's: it may be another program's, so it stops nothing."""
    return [
        problem(each, f"nothing reads it: did you mean {meant}?") for each in foreign if (meant := _meant(each.name))
    ]


def _meant(name: str) -> str | None:
    name = name.upper()
    if _likeness(name[: len(PREFIX)], PREFIX) < _SAME_BEGINNING:
        return None
    # Of a destination's variable only the beginning is ours.
    if _likeness(name.partition("__")[0], DESTINATIONS.rstrip("_")) >= _SAME_NAME:
        return DESTINATION_FORM
    return next(iter(get_close_matches(name, FLAT_VARIABLES, n=1, cutoff=_SAME_NAME)), None)


def _likeness(name: str, known: str) -> float:
    return SequenceMatcher(None, name, known).ratio()


def _complaint(name: str) -> str | None:
    if name in FLAT_VARIABLES or name.startswith(DESTINATIONS) or not name.startswith("NOTIFIER_"):
        return None
    if _KUBERNETES.fullmatch(name):
        return None
    if name.startswith(DESTINATIONS.rstrip("_")):
        return f"unknown setting: did you mean {DESTINATION_FORM}?"
    # Without the beginning that all of them share: it alone would make any word like some setting.
    ours = {known.removeprefix(PREFIX): known for known in (*FLAT_VARIABLES, DESTINATION_FORM)}
    guess = ours.get(nearest(name.removeprefix(PREFIX), ours) or "")
    return f"unknown setting: did you mean {guess}?" if guess else "unknown setting: `notifier settings` lists them all"
