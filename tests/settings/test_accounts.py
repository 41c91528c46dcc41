"""What NOTIFIER_ACCOUNTS, NOTIFIER_ROLE and NOTIFIER_EXTERNAL_ID may say, and may say together."""

import pytest

from notifier.settings import describe_settings
from tests.settings.environment import loaded, refused

ONE, TWO = "111122223333", "222233334444"


@pytest.mark.parametrize(
    "role",
    [
        pytest.param("notifier", id="name"),
        pytest.param("team/ml/notifier", id="name-with-a-path"),
        pytest.param("notifier-{account}", id="name-with-the-account"),
        pytest.param("Watch_er+=,.@-1", id="every-sign"),
        pytest.param("arn:aws:iam::{account}:role/notifier", id="arn"),
        pytest.param("arn:aws-us-gov:iam::{account}:role/team/notifier-{account}", id="arn-elsewhere"),
    ],
)
def test_a_role_is_a_name_or_an_arn_for_every_account(role: str) -> None:
    assert loaded(ACCOUNTS=f"{ONE},{TWO}", ROLE=role).role == role


@pytest.mark.parametrize(
    "role",
    [
        pytest.param("no role", id="blank"),
        pytest.param("x" * 65, id="too-long"),
        pytest.param("role/notifier", id="end-of-an-arn"),
        pytest.param("{region}", id="another-place-holder"),
        pytest.param("arn:aws:iam::{account}:user/notifier", id="user"),
        pytest.param("arn:aws:sts::{account}:assumed-role/notifier/x", id="session"),
        pytest.param("arn:aws:iam::1234:role/notifier", id="short-number"),
    ],
)
def test_what_is_no_role_is_refused(role: str) -> None:
    ((name, message),) = refused(ACCOUNTS=f"{ONE},{TWO}", ROLE=role).items()

    assert name == "NOTIFIER_ROLE" and "arn:aws:iam::{account}:role/notifier" in message


@pytest.mark.parametrize(
    ("variables", "wrong", "advice"),
    [
        pytest.param({"ROLE": "notifier"}, "ROLE", "name those it is assumed in as NOTIFIER_ACCOUNTS", id="role-alone"),
        pytest.param({"ACCOUNTS": f"{ONE},{TWO}"}, "ACCOUNTS", "names 2 accounts", id="accounts-without-a-role"),
        pytest.param({"EXTERNAL_ID": "abc-123"}, "EXTERNAL_ID", "has no NOTIFIER_ROLE", id="external-id-alone"),
        pytest.param(
            {"ACCOUNTS": ONE, "EXTERNAL_ID": "abc-123"}, "EXTERNAL_ID", "has no NOTIFIER_ROLE", id="external-id-no-role"
        ),
        pytest.param(
            {"ACCOUNTS": f"{ONE},{TWO}", "ROLE": f"arn:aws:iam::{ONE}:role/notifier"},
            "ROLE",
            "write {account} for its number",
            id="arn-of-one-for-two",
        ),
        pytest.param(
            {"ACCOUNTS": TWO, "ROLE": f"arn:aws:iam::{ONE}:role/notifier"},
            "ROLE",
            "is the ARN of one account",
            id="arn-of-another",
        ),
        pytest.param(
            {"ACCOUNTS": ONE, "ROLE": "notifier", "EXTERNAL_ID": "a b"}, "EXTERNAL_ID", "no external id", id="blank"
        ),
        pytest.param(
            {"ACCOUNTS": ONE, "ROLE": "notifier", "EXTERNAL_ID": "https://hooks.test/T/B"},
            "EXTERNAL_ID",
            "is no address",
            id="address",
        ),
    ],
)
def test_what_does_not_go_together_is_named(variables: dict[str, str], wrong: str, advice: str) -> None:
    ((name, message),) = refused(**variables).items()

    assert name == f"NOTIFIER_{wrong}"
    assert advice in message


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"ACCOUNTS": ONE}, id="own-account-by-name"),
        pytest.param({"ACCOUNTS": ONE, "ROLE": f"arn:aws:iam::{ONE}:role/notifier"}, id="arn-of-the-one"),
        pytest.param({"ACCOUNTS": f"{ONE},{TWO}", "ROLE": "notifier", "EXTERNAL_ID": "team:7/x"}, id="all-three"),
    ],
)
def test_what_goes_together_is_taken(variables: dict[str, str]) -> None:
    settings = loaded(**variables)

    assert settings.accounts == tuple(variables["ACCOUNTS"].split(","))
    assert settings.external_id == variables.get("EXTERNAL_ID", "")


def test_an_external_id_is_shown_to_who_asks_and_masks_nothing_in_the_log() -> None:
    settings = loaded(ACCOUNTS=ONE, ROLE="notifier", EXTERNAL_ID="notifier")

    assert {row.variable: row.value for row in describe_settings(settings)}["NOTIFIER_EXTERNAL_ID"] == "notifier"
    assert settings.secrets() == frozenset()
