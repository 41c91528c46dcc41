"""Where messages go, by flat variables and by names."""

from typing import ClassVar, Literal

import pytest

from notifier.delivery import KINDS, open_http
from notifier.delivery.settings import DestinationSettings
from notifier.settings import load_settings
from notifier.settings.destinations import build_destinations, choose_operator
from notifier.settings.variables import Variable
from tests.settings.environment import DISCORD_URL, HOOK_URL, SECRET, SLACK_URL, TOKEN, loaded, named, refused

OPS_HOOK = {"DESTINATIONS__OPS__KIND": "webhook", "DESTINATIONS__OPS__URL": HOOK_URL}
OPS_SLACK = {"DESTINATIONS__OPS__KIND": "slack_webhook", "DESTINATIONS__OPS__URL": SLACK_URL}


def test_without_any_destination_messages_go_to_the_console() -> None:
    settings = load_settings({}, None)

    assert [(name, each.kind) for name, each in settings.destinations.items()] == [("console", "console")]
    assert settings.operator == ("console",)


def test_the_flat_variables_make_destinations_named_like_their_kind() -> None:
    settings = loaded(
        SLACK_WEBHOOK_URL=SLACK_URL,
        SLACK_BOT_TOKEN=TOKEN,
        SLACK_CHANNEL="#tuning-jobs",
        WEBHOOK_URL=HOOK_URL,
        WEBHOOK_SECRET=SECRET,
    )

    assert {name: each.kind for name, each in settings.destinations.items()} == {
        "slack": "slack",
        "slack_webhook": "slack_webhook",
        "webhook": "webhook",
    }
    bot = settings.destinations["slack"].model_dump()
    assert (bot["token"].get_secret_value(), bot["channel"]) == (TOKEN, "#tuning-jobs")
    assert bot["url"] == "https://slack.com/api/"
    hook = settings.destinations["webhook"].model_dump()
    assert hook["url"].get_secret_value() == HOOK_URL
    assert hook["secret"].get_secret_value() == SECRET


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_can_be_named(kind: str) -> None:
    destination = loaded(**named("ml_team", kind)).destinations["ml_team"]

    assert type(destination) is KINDS[kind].settings


def test_a_named_destination_takes_all_its_fields() -> None:
    fields = {
        "RATE": "2",
        "JOBS": "a,b-*",
        "EVENTS": "status_changed",
        "STATUSES": "Failed,Stopped",
        "REGIONS": "eu-west-1",
    }
    ops = loaded(**OPS_HOOK, **{f"DESTINATIONS__OPS__{name}": value for name, value in fields.items()}).destinations

    assert ops["ops"].model_dump(exclude={"url"}) == {
        "kind": "webhook",
        "rate": 2.0,
        "best_cooldown": 300.0,
        "min_improvement": 0.0,
        "jobs": ("a", "b-*"),
        "events": ("status_changed",),
        "statuses": ("Failed", "Stopped"),
        "accounts": (),
        "regions": ("eu-west-1",),
        "tags": (),
        "secret": None,
    }


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        pytest.param(
            OPS_SLACK, {"mention": "here", "best_cooldown": 60.0, "min_improvement": 0.1, "rate": 0.5}, id="slack"
        ),
        pytest.param(
            {"DESTINATIONS__OPS__KIND": "console"},
            {"best_cooldown": 60.0, "min_improvement": 0.1, "rate": 0.0},
            id="console",
        ),
        pytest.param(
            OPS_HOOK, {"best_cooldown": 300.0, "min_improvement": 0.0, "rate": 0.0}, id="webhook-is-no-person"
        ),
        pytest.param(
            {**OPS_SLACK, "DESTINATIONS__OPS__MENTION": "U0123ABCD", "DESTINATIONS__OPS__RATE": "3"},
            {"mention": "U0123ABCD", "rate": 3.0, "best_cooldown": 60.0},
            id="its-own-word-goes-first",
        ),
    ],
)
def test_the_flat_variables_are_the_defaults_of_destinations_that_people_read(
    ops: dict[str, str], expected: dict[str, object]
) -> None:
    flat = {"MENTION": "here", "BEST_COOLDOWN": "1m", "MIN_IMPROVEMENT": "0.1", "SLACK_RATE": "0.5"}

    destination = loaded(**flat, **ops).destinations["ops"].model_dump()

    assert {key: destination[key] for key in expected} == expected


def test_the_flat_variables_flow_into_the_flat_destinations() -> None:
    slack = loaded(SLACK_WEBHOOK_URL=SLACK_URL, SLACK_RATE="0.5", MENTION="S0123ABCD", BEST_COOLDOWN="1h").destinations

    shown = slack["slack_webhook"].model_dump()
    assert (shown["rate"], shown["mention"], shown["best_cooldown"]) == (0.5, "S0123ABCD", 3600.0)


FORM = "NOTIFIER_DESTINATIONS__<NAME>__<FIELD>"
WRONG = {
    "the-same-name-twice": (
        {"SLACK_WEBHOOK_URL": SLACK_URL, "DESTINATIONS__SLACK_WEBHOOK__KIND": "console"},
        "DESTINATIONS__SLACK_WEBHOOK__KIND",
        "already made by NOTIFIER_SLACK_WEBHOOK_URL",
    ),
    "misspelled-kind": ({**OPS_HOOK, "DESTINATIONS__OPS__KIND": "webook"}, "DESTINATIONS__OPS__KIND", "mean webhook?"),
    "unknown-kind": ({"DESTINATIONS__A__KIND": "pigeon"}, "DESTINATIONS__A__KIND", "webhook, apprise, console"),
    "bot-without-channel": ({"SLACK_BOT_TOKEN": TOKEN}, "SLACK_CHANNEL", "is needed"),
    "channel-without-bot": ({"SLACK_CHANNEL": "#a"}, "SLACK_CHANNEL", "has no NOTIFIER_SLACK_BOT_TOKEN to go with"),
    "no-bot": ({"SLACK_BOT_TOKEN": "xoxp-1-2-3", "SLACK_CHANNEL": "#a"}, "SLACK_BOT_TOKEN", "begins with xoxb-"),
    "no-channel": ({"SLACK_BOT_TOKEN": TOKEN, "SLACK_CHANNEL": "my channel"}, "SLACK_CHANNEL", "is not a channel"),
    "no-api": (
        {"SLACK_BOT_TOKEN": TOKEN, "SLACK_CHANNEL": "#a", "SLACK_API_URL": "slack.com"},
        "SLACK_API_URL",
        "https://",
    ),
    "no-service": (
        {"DESTINATIONS__A__KIND": "apprise", "DESTINATIONS__A__URL": "pigeon://x"},
        "DESTINATIONS__A__URL",
        "is no URL of a service that Apprise knows",
    ),
    "one-of-several-services": (
        {"APPRISE_URLS": f"{DISCORD_URL} discord://x"},
        "APPRISE_URLS",
        "URL 2 is not a whole URL of Discord: https://appriseit.com/services/discord/",
    ),
    "services-with-a-comma-between": (
        {"APPRISE_URLS": f"{DISCORD_URL},{DISCORD_URL}2"},
        "APPRISE_URLS",
        "holds a comma between two URLs: write a space there",
    ),
    "two-services-in-one-destination": (
        {"DESTINATIONS__A__KIND": "apprise", "DESTINATIONS__A__URL": f"{DISCORD_URL} {DISCORD_URL}2"},
        "DESTINATIONS__A__URL",
        "holds two URLs",
    ),
    "no-kind": ({"DESTINATIONS__A__URL": HOOK_URL}, "DESTINATIONS__A__KIND", "is needed"),
    "no-url": ({"DESTINATIONS__A__KIND": "webhook"}, "DESTINATIONS__A__URL", "is needed"),
    "no-field": ({"DESTINATIONS__OPS": "x"}, "DESTINATIONS__OPS", FORM),
    "no-name": ({"DESTINATIONS____KIND": "x"}, "DESTINATIONS____KIND", FORM),
    "operator": ({**OPS_HOOK, "OPERATOR": "opps"}, "OPERATOR", "did you mean ops?"),
    **{
        f"{field}={value}": (
            {**OPS_HOOK, f"DESTINATIONS__OPS__{field}": value},
            f"DESTINATIONS__OPS__{field}",
            hint,
        )
        for field, value, hint in [
            ("SECRT", "x", "did you mean SECRET?"),
            ("MENTION", "here", "unknown field"),
            ("URL__X", "x", "unknown field"),
            ("URL", "receiver.example", "https://"),
            ("SECRET", "whsec_QUJD", "24 to 64 bytes"),
            ("RATE", "-1", "greater than or equal to 0"),
            ("EVENTS", "ended", "is no event type"),
            ("STATUSES", "completed", "did you mean Completed?"),
            ("JOBS", "xgb churn", "'xgb churn' can match no tuning job"),
            ("ACCOUNTS", "111122223333,12", "'12' is no account: write its 12 digits"),
            ("REGIONS", "us-east", "'us-east' is no region"),
        ]
    },
}


@pytest.mark.parametrize(("variables", "variable", "hint"), WRONG.values(), ids=WRONG)
def test_a_wrong_destination_is_named_with_its_variable(variables: dict[str, str], variable: str, hint: str) -> None:
    problems = refused(**variables)

    assert list(problems) == [f"NOTIFIER_{variable}"]
    assert hint in problems[f"NOTIFIER_{variable}"]


@pytest.mark.parametrize(
    ("variables", "operator"),
    [
        pytest.param({"SLACK_WEBHOOK_URL": SLACK_URL, **OPS_HOOK}, ("slack_webhook",), id="every-chat-destination"),
        pytest.param({"WEBHOOK_URL": HOOK_URL}, (), id="programs-are-not-bothered"),
        pytest.param({"SLACK_WEBHOOK_URL": SLACK_URL, **OPS_HOOK, "OPERATOR": "ops, ops"}, ("ops",), id="named"),
    ],
)
def test_the_operator_is_every_chat_destination_unless_named(
    variables: dict[str, str], operator: tuple[str, ...]
) -> None:
    assert loaded(**variables).operator == operator


class PagerSettings(DestinationSettings):
    """A kind that nothing but its own file and a registry would know of."""

    people: ClassVar[bool] = False
    kind: Literal["pager"] = "pager"


def test_a_new_kind_says_by_itself_that_programs_read_it() -> None:
    said = {"NOTIFIER_DESTINATIONS__P__KIND": "pager", "NOTIFIER_BEST_COOLDOWN": "1m"}

    built = build_destinations({name: Variable(name, value) for name, value in said.items()}, {"pager": PagerSettings})

    assert built.problems == []
    assert built.destinations["p"].best_cooldown == 300.0
    assert choose_operator(None, built) == ()


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_who_reads_a_kind_is_one_truth_for_settings_and_delivery(kind: str) -> None:
    settings = loaded(**named("d", kind)).destinations["d"]

    async with open_http() as http:
        assert KINDS[kind].build("d", settings, http).policy.people == settings.people


def test_an_operator_that_names_a_wrong_destination_is_no_second_fault() -> None:
    assert list(refused(OPERATOR="ops", DESTINATIONS__OPS__KIND="webhook")) == ["NOTIFIER_DESTINATIONS__OPS__URL"]
