"""The summary of a day: owed once, with what ended and what goes on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from notifier.dispatch.daily import Daily
from notifier.model import Event, Scope, ScopeState
from notifier.pipeline.summary import SETTLING_SECONDS, DailySummary
from notifier.routing import Route
from notifier.store import Store, open_store
from tests.examples import ACCOUNT, NOON, REGION, ended, started, tuning_job
from tests.store.looks import Clock, look

DAY = 86_400.0
SCOPE = Scope(ACCOUNT, REGION)
EVERYTHING = Route("slack")
DAILY = Daily(12 * 60)
"""At noon, UTC: the examples' time."""


@pytest.fixture
def clock() -> Clock:
    made = Clock()
    made.time = NOON.timestamp() - DAY / 2
    return made


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    async with open_store(f"sqlite:///{tmp_path / 'notifier.db'}", exclusive=True, clock=clock) as opened:
        await opened.watch.complete(SCOPE, ScopeState(clock.time, clock.time, clock.time), [])
        yield opened


def making(store: Store, route: Route = EVERYTHING) -> DailySummary:
    return DailySummary(route, DAILY, store.daily, owed=lambda: None)


async def told(store: Store) -> list[tuple[str, tuple[str, ...]]]:
    """The title and the lines of each summary that is owed."""
    rows = [row for row in await store.outbox.owed("slack", 999) if row.event_type == "notifier.daily_summary"]
    bodies = await store.outbox.events([row.event_id for row in rows])
    found = (bodies[row.event_id] for row in rows)
    return [(each.title, each.lines) for each in found if not isinstance(each, Event)]


async def put(store: Store, name: str, *, over: bool, to: tuple[str, ...] = ("slack",)) -> None:
    job = tuning_job(name, status="Completed" if over else "InProgress")
    await store.watch.commit(SCOPE, [look(job, ended(job) if over else started(job), to=to)])


async def test_it_names_what_ended_and_what_goes_on_once(store: Store, clock: Clock) -> None:
    await put(store, "xgb", over=True)
    await put(store, "bert", over=False)
    await making(store).turn()
    assert await told(store) == []

    clock.time = NOON.timestamp() + SETTLING_SECONDS
    for _ in range(2):
        # Another worker, or a restart, makes none a second time.
        await making(store).turn()

    ((title, lines),) = await told(store)
    assert title == "The day: 1 tuning job ended (1 completed), 1 in progress"
    assert lines[0].startswith("xgb: completed")
    assert lines[1].startswith("bert: in progress, ")


async def test_the_next_day_tells_what_is_new_alone(store: Store, clock: Clock) -> None:
    await put(store, "xgb", over=True)
    clock.time = NOON.timestamp() + SETTLING_SECONDS
    making_it = making(store)
    await making_it.turn()
    await put(store, "late", over=True)

    clock.time += DAY
    await making_it.turn()

    first, second = await told(store)
    assert [line.partition(":")[0] for line in first[1]] == ["xgb"]
    assert [line.partition(":")[0] for line in second[1]] == ["late"]


async def test_many_endings_take_several_messages_and_none_is_left_out(store: Store, clock: Clock) -> None:
    names = [f"job-{number:02}" for number in range(40)]
    for name in names:
        await put(store, name, over=True)
    clock.time = NOON.timestamp() + SETTLING_SECONDS

    await making(store).turn()

    pages = await told(store)
    assert len(pages) == 3
    assert [line.partition(":")[0] for _, lines in pages for line in lines] == names
    assert pages[1][0] == "The day, continued (2 of 3)"


async def test_of_many_that_go_on_the_rest_is_counted(store: Store, clock: Clock) -> None:
    for number in range(12):
        await put(store, f"job-{number:02}", over=False)
    clock.time = NOON.timestamp() + SETTLING_SECONDS

    await making(store).turn()

    ((title, lines),) = await told(store)
    assert title == "The day: 12 in progress"
    assert len(lines) == 11
    assert lines[-1] == "and 2 more in progress"


async def test_where_nothing_is_to_be_said_nothing_is(store: Store, clock: Clock) -> None:
    clock.time = NOON.timestamp() + SETTLING_SECONDS
    await making(store).turn()

    assert await told(store) == []


async def test_of_a_day_that_nobody_watched_nothing_is_said(store: Store, clock: Clock) -> None:
    await put(store, "bert", over=False)
    clock.time = NOON.timestamp() + 1
    await store.watch.complete(SCOPE, ScopeState(clock.time, clock.time, clock.time), [])
    clock.time = NOON.timestamp() + SETTLING_SECONDS

    await making(store).turn()

    assert await told(store) == []


@pytest.mark.parametrize(
    "route",
    [
        pytest.param(Route("slack", jobs=("xgb*",)), id="another-name"),
        pytest.param(Route("slack", accounts=("999988887777",)), id="another-account"),
        pytest.param(Route("slack", tags=(("team", "vision"),)), id="another-team"),
    ],
)
async def test_what_a_destination_does_not_hear_of_is_not_in_its_summary(
    store: Store, clock: Clock, route: Route
) -> None:
    await put(store, "bert", over=False)
    await put(store, "other", over=True, to=("webhook",))
    for name in ("bert", "other"):
        await store.watch.keep_tags(tuning_job(name).identity, {"team": "speech"})
    clock.time = NOON.timestamp() + SETTLING_SECONDS

    await making(store, route).turn()

    assert await told(store) == []


async def test_what_is_committed_just_as_the_day_ends_is_in_its_summary(store: Store, clock: Clock) -> None:
    making_it = making(store)
    clock.time = NOON.timestamp() + 1
    await making_it.turn()
    assert await told(store) == []

    # A commit that began before noon, and came through after that look.
    clock.time = NOON.timestamp() - 1
    await put(store, "xgb", over=True)
    clock.time = NOON.timestamp() + SETTLING_SECONDS
    await making_it.turn()

    ((_, lines),) = await told(store)
    assert lines[0].startswith("xgb: completed")
