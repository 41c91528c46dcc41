"""What is wrong with a setting, in words that say what to do, and that hold nothing of a secret value."""

from collections.abc import Iterable, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from notifier.errors import Problem
from notifier.settings.values import nearest
from notifier.settings.variables import Variable

_PLAIN = {
    "missing": "is needed: set it",
    "float_parsing": "must be a number",
    "int_parsing": "must be a whole number",
    "finite_number": "must be a finite number",
}


def problem(variable: Variable, text: str) -> Problem:
    """The problem with a variable, and where it was found if that is not the environment."""
    return Problem(variable.name, f"{text} ({variable.origin})" if variable.origin else text)


def explain(error: ErrorDetails) -> str:
    """One of pydantic's complaints, as a sentence whose subject is the variable."""
    if error["type"] in _PLAIN:
        return _PLAIN[error["type"]]
    return error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")


def complaints(error: ValidationError, variables: Mapping[str, Variable], known: Iterable[str]) -> list[Problem]:
    """All of a model's complaints. `variables` holds the variable of each field, `known` the model's fields."""
    problems = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        field = str(each["loc"][0]) if each["loc"] else ""
        named = variables.get(field, Variable(field.upper(), ""))
        if each["type"] == "extra_forbidden":
            guess = nearest(field, known)
            hint = f"did you mean {guess.upper()}?" if guess else f"there are {', '.join(known).upper()}"
            problems.append(problem(named, f"unknown field: {hint}"))
        else:
            problems.append(problem(named, explain(each)))
    return problems
