"""The board: which loops turn, which scopes are swept."""

import pytest

from notifier.web import Health
from tests.web.conftest import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(clock)


def test_a_loop_is_stuck_once_it_has_not_turned_within_its_bound(health: Health, clock: Clock) -> None:
    health.expect("deliver ops", within=60)
    clock.now += 60
    assert health.stuck() == []

    clock.now += 1

    assert health.stuck() == ["deliver ops has not turned for 61 s (bound: 60 s)"]


def test_a_beat_frees_a_loop_and_no_other(health: Health, clock: Clock) -> None:
    health.expect("a", within=10)
    health.expect("b", within=10)
    clock.now += 11

    health.beat("a")

    assert [line.split()[0] for line in health.stuck()] == ["b"]


def test_a_loop_that_ended_rightly_is_not_missed(health: Health, clock: Clock) -> None:
    health.expect("a", within=10)

    health.retire("a")

    clock.now += 11
    assert health.stuck() == []


def test_only_an_expected_loop_can_beat(health: Health) -> None:
    with pytest.raises(KeyError):
        health.beat("nobody")


def test_a_scope_is_stale_until_its_first_sweep_and_says_why(health: Health) -> None:
    health.watch("us-east-1", "us-east-1", within=90)
    assert health.stale() == ["us-east-1: not swept yet"]

    health.missed("us-east-1", "denied")

    assert health.stale() == ["us-east-1: not swept yet: denied"]


def test_a_scope_is_fresh_from_a_sweep_to_the_end_of_its_bound(health: Health, clock: Clock) -> None:
    health.watch("us-east-1", "us-east-1", within=90)
    health.swept("us-east-1")
    clock.now += 45
    health.missed("us-east-1", "throttled")
    clock.now += 45
    assert health.stale() == []

    clock.now += 1

    assert health.stale() == ["us-east-1: last swept 91 s ago (bound: 90 s): throttled"]


def test_a_sweep_ends_the_trouble_before_it(health: Health, clock: Clock) -> None:
    health.watch("us-east-1", "us-east-1", within=90)
    health.missed("us-east-1", "throttled")

    health.swept("us-east-1")

    clock.now += 91
    assert health.stale() == ["us-east-1: last swept 91 s ago (bound: 90 s)"]


def test_a_scope_that_is_ours_no_more_is_not_missed(health: Health) -> None:
    health.watch("us-east-1", "us-east-1", within=90)

    health.unwatch("us-east-1")

    assert (health.stale(), health.poll_ages()) == ([], {})


def test_a_regions_poll_age_is_that_of_its_oldest_scope_of_each_account(health: Health, clock: Clock) -> None:
    for scope, region, account in (
        ("1/eu-west-1", "eu-west-1", ""),
        ("2/eu-west-1", "eu-west-1", ""),
        ("3/eu-west-1", "eu-west-1", "3"),
    ):
        health.watch(scope, region, within=90, account=account)
    clock.now += 30
    health.swept("1/eu-west-1")
    health.swept("3/eu-west-1")
    clock.now += 5

    assert health.poll_ages() == {("eu-west-1", ""): 35.0, ("eu-west-1", "3"): 5.0}


def test_an_account_that_shuts_us_out_stops_nothing_while_another_is_seen_in_all_its_regions(health: Health) -> None:
    for account in ("1", "2"):
        for region in ("eu-west-1", "us-east-1"):
            health.watch(f"{account}/{region}", region, within=90, account=account)
    health.missed("1/eu-west-1", "denied")
    health.swept("1/us-east-1")
    health.swept("2/us-east-1")
    unseen = ["1/eu-west-1: not swept yet: denied", "2/eu-west-1: not swept yet"]
    assert health.blind() == health.stale() == unseen

    health.swept("2/eu-west-1")

    assert (health.blind(), health.stale()) == ([], unseen[:1])


def test_without_named_accounts_a_region_that_is_not_swept_is_a_reason(health: Health) -> None:
    for region in ("eu-west-1", "us-east-1"):
        health.watch(region, region, within=90)
    health.swept("us-east-1")

    assert health.blind() == ["eu-west-1: not swept yet"]
