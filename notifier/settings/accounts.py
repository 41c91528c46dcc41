"""Which accounts are watched, and in which role: what the three settings come to together."""

from collections.abc import Iterator, Mapping

from notifier.errors import Problem
from notifier.model.identity import ACCOUNT_HERE
from notifier.settings.explain import problem
from notifier.settings.tree import variable
from notifier.settings.values import ACCOUNT
from notifier.settings.variables import Variable

_ACCOUNTS, _ROLE, _EXTERNAL_ID = variable("accounts"), variable("role"), variable("external_id")


def account_problems(variables: Mapping[str, Variable]) -> Iterator[Problem]:
    """What is wrong with settings that are right each by itself."""
    accounts, role, external_id = (variables.get(name) for name in (_ACCOUNTS, _ROLE, _EXTERNAL_ID))
    numbers = {part.strip() for part in accounts.value.split(",") if part.strip()} if accounts else set()
    if external_id and not role:
        yield problem(external_id, f"has no {_ROLE} to go with: set that too, or remove this")
    if role and not accounts:
        # Which account was meant cannot be told from the name of a role; the caller's own needs none.
        yield problem(role, f"says no account: name those it is assumed in as {_ACCOUNTS}")
    if accounts and not numbers:
        yield problem(accounts, "names nothing: write the 12 digits of each account, between commas")
    if accounts and not role and len(numbers) > 1:
        lack = f"names {len(numbers)} accounts, and these credentials are of one at most"
        yield problem(accounts, f"{lack}: set {_ROLE} to a role that may be assumed in each")
    if role and accounts and (elsewhere := _fixed(role.value)) and numbers != {elsewhere}:
        yield problem(role, f"is the ARN of one account: write {ACCOUNT_HERE} for its number, or the role's name alone")


def _fixed(role: str) -> str | None:
    """The account of an ARN that has a number where `{account}` could stand."""
    words = role.split(":")
    return words[4] if len(words) > 4 and words[0] == "arn" and ACCOUNT.fullmatch(words[4]) else None
