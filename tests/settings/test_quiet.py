"""Quiet hours as people write them."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from notifier.delivery.settings import PeopleSettings
from notifier.model.quiet import DAY, Window
from notifier.settings import Settings, describe_settings
from tests.settings.environment import HOOK_URL, SLACK_URL, loaded, refused

SLACK = {"SLACK_WEBHOOK_URL": SLACK_URL}


def people(settings: Settings, name: str = "slack_webhook") -> PeopleSettings:
    found = settings.destinations[name]
    assert isinstance(found, PeopleSettings)
    return found


@pytest.mark.parametrize(
    ("text", "windows", "shown"),
    [
        pytest.param("22:00-07:00", (Window(1320, 420),), "22:00-07:00", id="a-night"),
        pytest.param("9:05 - 9:30", (Window(545, 570),), "09:05-09:30", id="loosely-written"),
        pytest.param("sat-sun 00:00-24:00", (Window(0, DAY, (5, 6)),), "Sat-Sun 00:00-24:00", id="days"),
        pytest.param("Sat-Mon 01:00-02:00", (Window(60, 120, (5, 6, 0)),), "Sat-Mon 01:00-02:00", id="over-the-week"),
        pytest.param("Wed 01:00-02:00", (Window(60, 120, (2,)),), "Wed 01:00-02:00", id="one-day"),
        pytest.param(
            "22:00-07:00, Sun 07:00-22:00",
            (Window(1320, 420), Window(420, 1320, (6,))),
            "22:00-07:00,Sun 07:00-22:00",
            id="several",
        ),
    ],
)
def test_hours_are_read_and_shown(text: str, windows: tuple[Window, ...], shown: str) -> None:
    settings = loaded(**SLACK, QUIET_HOURS=text, TIMEZONE="Europe/Berlin")

    assert people(settings).quiet_hours == windows
    policy = people(settings).policy("slack_webhook", "")
    assert policy.quiet is not None and policy.quiet.zone == ZoneInfo("Europe/Berlin")
    (row,) = [each for each in describe_settings(settings) if each.variable == "NOTIFIER_QUIET_HOURS"]
    assert row.value == shown


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        pytest.param("QUIET_HOURS", "at night", "is not made of hours of the day: write for example", id="no-hours"),
        pytest.param("QUIET_HOURS", "22:00-25:00", "is not made of hours of the day", id="no-such-hour"),
        pytest.param("QUIET_HOURS", "22:00-22:60", "is not made of hours of the day", id="no-such-minute"),
        pytest.param("QUIET_HOURS", "22:00-22:00", "end at another time", id="empty"),
        pytest.param("QUIET_HOURS", "Xyz 22:00-23:00", "names a day that there is not: there are Mon", id="no-day"),
        pytest.param("QUIET_HOURS", "0:00-24:00", "leaves no time to tell anything", id="always"),
        pytest.param("TIMEZONE", "Berlin", "is no time zone that this machine knows", id="no-zone"),
        pytest.param("TIMEZONE", "../etc/passwd", "is no time zone that this machine knows", id="a-path"),
    ],
)
def test_what_is_wrong_is_said_once(variable: str, text: str, says: str) -> None:
    told = refused(**SLACK, **{variable: text})

    assert list(told) == [f"NOTIFIER_{variable}"]
    assert says in told[f"NOTIFIER_{variable}"]


def test_a_destination_may_have_its_own_hours_or_none() -> None:
    settings = loaded(
        **SLACK,
        QUIET_HOURS="22:00-07:00",
        DESTINATIONS__PAGER__KIND="slack_webhook",
        DESTINATIONS__PAGER__URL=SLACK_URL,
        DESTINATIONS__PAGER__QUIET_HOURS="off",
        DESTINATIONS__TOKYO__KIND="slack_webhook",
        DESTINATIONS__TOKYO__URL=SLACK_URL,
        DESTINATIONS__TOKYO__TIMEZONE="Asia/Tokyo",
    )

    assert people(settings, "pager").policy("pager", "").quiet is None
    tokyo = people(settings, "tokyo").policy("tokyo", "").quiet
    assert tokyo is not None and (str(tokyo.zone), tokyo.windows) == ("Asia/Tokyo", (Window(1320, 420),))
    assert people(settings).timezone is UTC


def test_programs_have_no_quiet_hours() -> None:
    assert loaded(WEBHOOK_URL=HOOK_URL, QUIET_HOURS="22:00-07:00").destinations["webhook"].policy("w", "").quiet is None
    variable = "DESTINATIONS__OPS__QUIET_HOURS"
    told = refused(DESTINATIONS__OPS__KIND="webhook", DESTINATIONS__OPS__URL=HOOK_URL, **{variable: "22:00-07:00"})
    assert "unknown field" in told[f"NOTIFIER_{variable}"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("9:05", "09:05", id="short"),
        pytest.param("23:59", "23:59", id="late"),
        pytest.param("off", "", id="off"),
        pytest.param("", "", id="empty"),
    ],
)
def test_the_time_of_the_summary_is_read(text: str, value: str) -> None:
    assert people(loaded(**SLACK, DAILY_SUMMARY=text)).daily_summary == value


@pytest.mark.parametrize("text", ["24:00", "9", "09:60", "noon"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    assert "is no time of day" in refused(**SLACK, DAILY_SUMMARY=text)["NOTIFIER_DAILY_SUMMARY"]
