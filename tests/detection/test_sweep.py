"""How far a sweep reads, and what it looks at."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.detection.sweep import Look, audit, full_sweep_due, history_before, horizon, kept_after, locked_out, look
from notifier.model import JobIdentity, Remembered, ScopeState, Summary, TrialCounts
from tests.examples import ACCOUNT, REGION

HOUR = 3600.0
COUNTS = TrialCounts(completed=4, in_progress=2)


def memory(created: float = 0.0, status: str = "InProgress", **changes: object) -> Remembered:
    name = f"job-{created}"
    known = Remembered(JobIdentity(ACCOUNT, REGION, name, int(created)), name, status, COUNTS)
    return replace(known, **changes)  # type: ignore[arg-type]


def row(status: str = "InProgress", counts: TrialCounts = COUNTS, created: float = 0.0) -> Summary:
    return Summary(f"job-{created}", None, status, datetime.fromtimestamp(created, UTC), counts=counts)


def deserves(row: Summary, memory: Remembered | None, **how: object) -> Look:
    options = {"watched": True, "silent": False, "history": 0.0} | how
    return look(row, memory, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "memory", "how", "expected"),
    [
        pytest.param(row(), memory(), {}, Look.NOTHING, id="nothing-moved"),
        pytest.param(row("Stopping"), memory(), {}, Look.DESCRIBE, id="the-status-moved"),
        pytest.param(row(counts=TrialCounts(completed=5)), memory(), {}, Look.DESCRIBE, id="a-counter-moved"),
        pytest.param(row(), None, {}, Look.DESCRIBE, id="first-sight-of-an-unfinished-job"),
        pytest.param(row(), None, {"silent": True}, Look.DESCRIBE, id="in-the-baseline-too"),
        pytest.param(row("Completed"), None, {"silent": True}, Look.NOTE, id="ended-before-the-baseline"),
        pytest.param(row("Completed"), None, {"history": 1.0}, Look.NOTE, id="history"),
        pytest.param(row("Completed", created=2.0), None, {"history": 1.0}, Look.DESCRIBE, id="born-and-ended-unseen"),
        pytest.param(row("Deleting", created=2.0), None, {"history": 1.0}, Look.NOTE, id="first-seen-in-deletion"),
        pytest.param(row("InProgress"), memory(status="Completed"), {}, Look.NOTHING, id="a-stale-row-of-an-ended-job"),
        pytest.param(row("Failed"), memory(status="Completed"), {}, Look.NOTHING, id="an-ending-is-an-ending"),
        pytest.param(row("Deleting"), memory(status="Completed"), {}, Look.NOTHING, id="an-ended-job-is-deleted"),
        pytest.param(row(), memory(told=False), {}, Look.DESCRIBE, id="its-first-sight-is-still-owed"),
        pytest.param(row(), memory(described=False), {}, Look.DESCRIBE, id="not-described-yet"),
        pytest.param(row(), None, {"watched": False}, Look.NOTE, id="left-out"),
        pytest.param(row(), memory(watched=False), {"watched": False}, Look.NOTHING, id="left-out-and-known"),
        pytest.param(row("Stopped"), memory(watched=False), {"watched": False}, Look.NOTE, id="left-out-and-moved"),
        pytest.param(row(), memory(), {"watched": False}, Look.NOTE, id="newly-left-out"),
        pytest.param(row(), memory(watched=False), {}, Look.DESCRIBE, id="newly-selected"),
        pytest.param(row("Completed"), memory(watched=False), {}, Look.NOTE, id="newly-selected-but-ended"),
    ],
)
def test_describes_only_what_moved(
    row: Summary, memory: Remembered | None, how: dict[str, object], expected: Look
) -> None:
    assert deserves(row, memory, **how) is expected


def test_reads_down_to_an_hour_before_the_last_complete_sweep() -> None:
    assert history_before(ScopeState(0.0, complete_at=10 * HOUR)) == 9 * HOUR
    assert horizon(9 * HOUR, [], []) == 9 * HOUR


def test_a_hundred_quiet_jobs_are_cheaper_listed_than_described() -> None:
    unfinished = [memory(float(created)) for created in range(250)]
    rows = [-float(age) for age in range(5000, 0, -1)] + [float(created) for created in range(250)]

    assert horizon(1000.0, unfinished, rows) == 0.0


def test_one_old_unfinished_job_is_described_rather_than_dragging_the_horizon_back() -> None:
    rows = [float(created) for created in range(5000)]

    assert horizon(4950.0, [memory(10.0)], rows) == 4950.0


@given(
    st.lists(st.integers(0, 3000), max_size=600, unique=True).map(sorted),
    st.data(),
)
def test_no_other_depth_costs_fewer_calls(created: list[int], data: st.DataObject) -> None:
    rows = [float(each) for each in created]
    unfinished = [
        memory(float(each)) for each in (data.draw(st.lists(st.sampled_from(created), unique=True)) if created else [])
    ]
    floor = data.draw(st.sampled_from([float(each) for each in created])) if created else 0.0

    def cost(depth: float) -> int:
        pages = sum(each >= depth for each in rows) // 100 + 1
        return pages + sum(each.identity.created < depth for each in unfinished)

    chosen = horizon(floor, unfinished, rows)
    depths = [floor, *(float(each.identity.created) for each in unfinished if each.identity.created < floor)]
    assert chosen <= floor
    assert cost(chosen) == min(cost(depth) for depth in depths)


@pytest.mark.parametrize(
    ("full_at", "now", "due"),
    [
        pytest.param(None, 0.0, True, id="never-yet"),
        pytest.param(0.0, 86399.0, False, id="within-the-day"),
        pytest.param(0.0, 86400.0, True, id="a-day-later"),
        pytest.param(86400.0, 0.0, True, id="the-clock-went-back"),
        pytest.param(300.0, 0.0, False, id="the-local-clock-is-behind"),
    ],
)
def test_reads_every_row_daily(full_at: float | None, now: float, due: bool) -> None:
    assert full_sweep_due(ScopeState(full_at=full_at), now) is due


def test_audits_at_most_one_in_a_hundred_oldest_look_first() -> None:
    quiet = [memory(float(each), looked_at=float(each)) for each in range(250)]

    assert [each.looked_at for each in audit(quiet, now=10 * HOUR)] == [0.0, 1.0]
    assert len(audit(quiet[:99], now=10 * HOUR)) == 1
    assert audit(quiet, now=HOUR - 1) == []
    assert audit([], now=HOUR) == []


def test_an_audit_without_an_answer_is_not_asked_for_again_before_its_turn() -> None:
    silent, other = memory(1.0), memory(2.0, looked_at=1.0)
    asked = {silent.identity: 10 * HOUR}

    assert audit([silent, other], now=10 * HOUR + 30, asked=asked) == [other]
    assert audit([silent], now=11 * HOUR - 1, asked=asked) == []
    assert audit([silent], now=11 * HOUR, asked=asked) == [silent]


@pytest.mark.parametrize(
    ("denied", "answered_at", "expected"),
    [
        pytest.param([None, memory(described=False)], 1.0, False, id="new-jobs-while-others-answered-lately"),
        pytest.param([None], 0.0, True, id="no-other-has-answered-for-an-hour"),
        pytest.param([None, memory()], HOUR, True, id="one-that-could-be-described-before"),
    ],
)
def test_denied_jobs_alone_mean_a_lockout_only_where_no_policy_of_single_jobs_explains_them(
    denied: list[Remembered | None], answered_at: float, expected: bool
) -> None:
    assert locked_out(denied, answered_at, now=HOUR) is expected


@pytest.mark.parametrize("ahead", [pytest.param(0.0, id="right"), pytest.param(365 * 86400.0, id="a-year-ahead")])
def test_however_far_the_clock_is_ahead_nothing_is_forgotten_that_a_sweep_may_take_for_news(ahead: float) -> None:
    swept_at = 1000 * HOUR
    state = ScopeState(swept_at, swept_at, swept_at)

    assert kept_after(state, swept_at + ahead) < swept_at - HOUR
    assert kept_after(state, swept_at + ahead) == kept_after(state, swept_at)
