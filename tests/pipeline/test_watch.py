"""The watch loop over the real wire and a real store: what is owed after each sweep."""

import pytest
from structlog.testing import capture_logs

from notifier.model import Event, Scope
from tests.examples import ACCOUNT, NOON, REGION
from tests.pipeline.conftest import Service
from tests.pipeline.sagemaker import DESCRIBE, LIST, Job, SageMaker

T0 = NOON.timestamp()
HOUR = 3600.0
DAY = 86400.0


async def the_events(service: Service) -> list[Event]:
    rows = await service.store.outbox.owed("hook", 10_000)
    bodies = await service.store.outbox.events([each.event_id for each in rows])
    return [body for row in rows if isinstance(body := bodies[row.event_id], Event)]


async def test_the_first_sweep_is_a_silent_baseline_and_says_what_is_watched(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("running", T0 - HOUR, best=1, value=0.5), Job("done", T0 - 2 * HOUR, "Completed"))
    await service.start()

    assert await service.sweep() == ["watching"]
    assert sagemaker.described == ["running"]
    assert await service.sweeps(3) == []


async def test_tells_a_whole_life_in_order_and_once(service: Service, sagemaker: SageMaker) -> None:
    await service.start()
    assert await service.sweep() == ["watching"]

    sagemaker.put(Job("xgb", sagemaker.now + 1))
    assert await service.sweep() == ["started"]
    sagemaker.move("xgb", completed=1, best=1, value=0.5)
    assert await service.sweep() == ["new_best"]
    sagemaker.move("xgb", completed=2)
    assert await service.sweep() == []
    sagemaker.move("xgb", completed=3, best=3, value=0.75)
    assert await service.sweep() == ["new_best"]
    sagemaker.move("xgb", completed=4, in_progress=0, status="Stopping")
    assert await service.sweep() == ["status_changed"]
    sagemaker.move("xgb", completed=5, best=5, value=0.8, status="Completed", ended=sagemaker.now)
    assert await service.sweep() == ["new_best", "status_changed"]
    assert await service.sweeps(3) == []

    gains = [each.best for each in await the_events(service) if each.best is not None]
    assert [gain.improvement for gain in gains] == [None, 0.25, pytest.approx(0.05)]
    assert gains[1].previous is not None and gains[1].previous.hyperparameters == {"eta": "0.1"}
    assert gains[2].first_value == 0.5


async def test_a_job_that_began_and_ended_while_the_service_was_down_is_told(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("running", T0 - HOUR))
    await service.start()
    await service.sweep()

    sagemaker.put(Job("brief", sagemaker.now + 60, "Failed", ended=sagemaker.now + 120, reason="OOM"))
    sagemaker.move("running", status="Completed", best=2, value=0.9, ended=sagemaker.now + 180)
    await service.start()

    assert await service.sweep(later=5 * HOUR) == ["status_changed", "new_best", "status_changed"]
    changes = {each.job.name: each.status for each in await the_events(service) if each.status}
    assert (changes["brief"].before, changes["brief"].after) == (None, "Failed")
    assert (changes["running"].before, changes["running"].after) == ("InProgress", "Completed")


async def test_an_ended_job_that_turns_up_though_older_than_the_last_sweep_is_history(
    service: Service, sagemaker: SageMaker
) -> None:
    await service.start()
    await service.sweep()
    sagemaker.put(Job("old", sagemaker.now - 2 * HOUR, "Completed"))

    assert await service.sweeps(2, later=DAY) == []


async def test_endings_older_than_the_catch_up_are_counted_in_one_line(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(*(Job(f"job-{n}", T0 - HOUR) for n in range(3)))
    await service.start(catch_up=DAY)
    await service.sweep()
    for n in range(3):
        sagemaker.move(f"job-{n}", status="Completed", ended=sagemaker.now + n)
    sagemaker.move("job-2", ended=sagemaker.now + 4 * DAY)

    assert sorted(await service.sweep(later=4.5 * DAY)) == ["caught_up", "status_changed"]
    assert await service.sweep() == []


async def test_a_quiet_sweep_costs_one_call_for_a_hundred_jobs(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(*(Job(f"quiet-{n}", T0 - HOUR - n) for n in range(250)))
    sagemaker.put(*(Job(f"ended-{n}", T0 - DAY - 60 * n, "Completed") for n in range(5000)))
    await service.start()
    await service.sweep()
    assert sagemaker.calls == {LIST: 53, DESCRIBE: 250}
    sagemaker.calls.clear()

    assert await service.sweep() == []
    assert sagemaker.calls == {LIST: 3}

    sagemaker.calls.clear()
    sagemaker.move("quiet-7", completed=1)
    await service.sweep()
    assert sagemaker.calls == {LIST: 3, DESCRIBE: 1}

    await service.start()
    sagemaker.calls.clear()
    assert await service.sweep() == []
    assert sagemaker.calls == {LIST: 3}


async def test_one_old_unfinished_job_is_described_by_name_instead_of_listing_down_to_it(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(*(Job(f"ended-{n}", T0 - DAY - 60 * n, "Completed") for n in range(2000)))
    sagemaker.put(Job("patient", T0 - 3 * DAY))
    await service.start()
    await service.sweep()
    sagemaker.calls.clear()

    await service.sweep()
    assert sagemaker.calls == {LIST: 1, DESCRIBE: 1}

    sagemaker.move("patient", status="Completed", ended=sagemaker.now)
    assert await service.sweep() == ["status_changed"]


async def test_every_row_is_read_again_daily(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(*(Job(f"ended-{n}", T0 - DAY - 60 * n, "Completed") for n in range(250)))
    await service.start()
    await service.sweep()
    await service.sweep()
    sagemaker.calls.clear()

    await service.sweep(later=DAY)
    assert sagemaker.calls == {LIST: 3}


async def test_a_listing_that_breaks_half_way_means_nothing(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(*(Job(f"job-{n:03d}", T0 - HOUR - n) for n in range(150)))
    await service.start()
    sagemaker.breaks_at_page = 1
    assert await service.sweep() == []
    assert service.witness.outcomes == ["refused"]

    sagemaker.breaks_at_page = None
    assert await service.sweep() == ["watching"]  # Only now does the baseline stand.
    sagemaker.breaks_at_page = 1
    assert await service.sweeps(4, later=120.0) == []
    assert len(service.watch._scope.ledger.jobs) == 150  # type: ignore[union-attr]


async def test_a_deletion_is_told_after_two_misses_a_minute_apart(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("doomed", T0 - HOUR, best=1, value=0.5), Job("ended", T0 - HOUR, "Completed"))
    await service.start()
    await service.sweep()
    sagemaker.remove("doomed")
    sagemaker.remove("ended")

    assert await service.sweeps(2) == []
    assert await service.sweep() == ["deleted"]
    assert await service.sweeps(3) == []
    (event,) = await the_events(service)
    assert event.job.best is not None and event.job.best.training_job_name == "doomed-001"


async def test_a_row_that_list_leaves_out_for_a_while_is_not_gone(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("shy", T0 - HOUR))
    await service.start()
    await service.sweep()
    hidden = sagemaker.rows.pop("shy")

    assert await service.sweeps(4) == []
    sagemaker.rows["shy"] = hidden
    sagemaker.move("shy", status="Completed", ended=sagemaker.now)
    assert await service.sweep() == ["status_changed"]


NO_ANSWERS = [
    pytest.param("fails", "InternalFailure", id="a-failure"),
    pytest.param("fails", "ThrottlingException", id="throttled"),
    pytest.param("fails", "AccessDeniedException", id="denied"),
    pytest.param("fails", "ExpiredTokenException", id="expired"),
    pytest.param("babbles", "", id="an-empty-200"),
    pytest.param("babbles", "{}", id="an-object-without-members"),
    pytest.param("babbles", '{"HyperParameterTuningJobStatus": "Failed"}', id="half-a-record"),
    pytest.param("babbles", "<html>hello</html>", id="a-page"),
]


@pytest.mark.parametrize(("how", "trouble"), NO_ANSWERS)
async def test_what_brings_no_answer_is_no_miss_and_changes_nothing_that_is_known(
    service: Service, sagemaker: SageMaker, how: str, trouble: str
) -> None:
    sagemaker.put(Job("shy", T0 - HOUR, completed=3, best=2, value=0.5))
    await service.start()
    await service.sweep()
    before = await service.store.desk.jobs()
    hidden = sagemaker.rows.pop("shy")

    for silent in ("shy", LIST):
        getattr(sagemaker, how)[silent] = trouble
        assert await service.sweeps(3, later=61.0) == []
        del getattr(sagemaker, how)[silent]
        assert await service.store.desk.jobs() == before
        sagemaker.rows["shy"] = hidden

    sagemaker.move("shy", status="Completed", ended=sagemaker.now)
    assert await service.sweep() == ["status_changed"]


async def test_a_name_used_again_is_another_job(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("again", T0 - HOUR))
    await service.start()
    await service.sweep()
    sagemaker.put(Job("again", sagemaker.now + 10))

    assert await service.sweep() == ["started"]
    assert await service.sweeps(2, later=61.0) == ["deleted"]


async def test_a_job_whose_describe_fails_delays_no_other_and_is_told_later(
    service: Service, sagemaker: SageMaker
) -> None:
    await service.start()
    await service.sweep()
    sagemaker.put(Job("bad", sagemaker.now), Job("good", sagemaker.now))
    sagemaker.fails["bad"] = "InternalFailure"

    assert await service.sweep() == ["started"]
    assert service.witness.outcomes[-1] == "ok"
    sagemaker.move("bad", status="Completed", ended=sagemaker.now)
    assert await service.sweep(later=3 * HOUR) == []
    await service.start()
    del sagemaker.fails["bad"]
    assert await service.sweep() == ["status_changed"]
    (event,) = [each for each in await the_events(service) if each.job.name == "bad"]
    assert event.status is not None and event.status.before is None


async def test_a_describe_that_has_not_caught_up_is_asked_again(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("late", T0 - HOUR))
    await service.start()
    await service.sweep()
    answer = sagemaker.jobs["late"]
    sagemaker.move("late", status="Completed", best=4, value=0.9, ended=sagemaker.now)
    ahead = sagemaker.jobs["late"]
    sagemaker.jobs["late"] = answer

    assert await service.sweeps(2) == []
    sagemaker.jobs["late"] = ahead
    assert await service.sweep() == ["new_best", "status_changed"]


async def test_stale_answers_change_nothing_until_three_agree_over_two_minutes(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("back", T0 - HOUR, completed=9, best=9, value=0.9))
    await service.start()
    await service.sweep()
    sagemaker.put(Job("back", T0 - HOUR, completed=3, best=3, value=0.3))

    def known() -> int:
        (job,) = service.watch._scope.ledger.jobs.values()  # type: ignore[union-attr]
        return job.counts.completed

    assert await service.sweeps(3, later=50.0) == []
    assert known() == 9
    assert await service.sweep(later=50.0) == []
    assert known() == 3
    sagemaker.move("back", completed=4, best=4, value=0.95)
    assert await service.sweep() == ["new_best"]


async def test_an_ending_is_final_whatever_is_answered_later(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("done", T0 - HOUR))
    await service.start()
    await service.sweep()
    sagemaker.move("done", status="Completed", ended=sagemaker.now)
    assert await service.sweep() == ["status_changed"]
    for status in ("InProgress", "Failed", "Deleting"):
        sagemaker.move("done", status=status)
        assert await service.sweeps(4, later=60.0) == []


async def test_flapping_bests_are_told_once_for_each_strictly_better_one(
    service: Service, sagemaker: SageMaker
) -> None:
    await service.start()
    await service.sweep()
    sagemaker.put(Job("flap", sagemaker.now))
    await service.sweep()

    heard = []
    for completed, (best, value) in enumerate([(1, 0.5), (2, 0.5), (3, 0.4), (1, 0.5), (4, 0.6), (1, 0.5), (4, 0.6)]):
        sagemaker.move("flap", completed=completed + 1, best=best, value=value)
        heard += await service.sweep()

    assert heard == ["new_best", "new_best"]


async def test_an_unknown_status_is_told_as_written_and_left_again(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("odd", T0 - HOUR))
    await service.start()
    await service.sweep()
    sagemaker.move("odd", status="Hibernating")
    assert await service.sweep() == ["status_changed"]
    sagemaker.move("odd", status="Failed", ended=sagemaker.now)
    assert await service.sweep() == ["status_changed"]

    assert [(each.status.before, each.status.after) for each in await the_events(service) if each.status] == [
        ("InProgress", "Hibernating"),
        ("Hibernating", "Failed"),
    ]


async def test_what_is_left_out_is_remembered_and_starts_silently_when_it_is_selected(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("xgb", T0 - HOUR))
    await service.start(jobs=("xgb*",))
    await service.sweep()
    sagemaker.put(Job("bert", sagemaker.now))
    assert await service.sweep() == []
    assert "bert" not in sagemaker.described

    await service.start()
    sagemaker.move("bert", completed=3, best=3, value=0.7)
    assert await service.sweep() == []
    sagemaker.move("bert", completed=4, best=4, value=0.8, status="Completed", ended=sagemaker.now)
    assert await service.sweep() == ["new_best", "status_changed"]


async def test_what_is_left_out_is_remembered_though_the_sweeps_do_not_read_down_to_it(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("bert", T0 - DAY), Job("xgb", T0 - 60))
    await service.start(jobs=("xgb*",))
    await service.sweeps(3)

    await service.start()
    assert await service.sweeps(2) == []
    assert await service.sweeps(2, later=DAY) == []
    sagemaker.move("bert", status="Stopped", ended=sagemaker.now)
    assert await service.sweep() == ["status_changed"]


async def test_without_sts_the_first_arn_tells_the_account_and_an_empty_account_is_a_baseline(
    service: Service, sagemaker: SageMaker
) -> None:
    sagemaker.fails["sts"] = "denied"
    await service.start()
    assert await service.sweeps(2) == []
    assert service.witness.outcomes == ["ok", "ok"]

    sagemaker.put(Job("first", sagemaker.now))
    assert await service.sweep() == ["watching", "started"]


async def test_an_audit_finds_what_moved_without_a_counter(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("still", T0 - HOUR))
    await service.start()
    await service.sweep()
    sagemaker.move("still", best=1, value=0.5)

    assert await service.sweep() == []
    assert await service.sweep(later=HOUR) == ["new_best"]


async def test_forgets_ended_jobs_that_no_sweep_can_take_for_news(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("long-ago", T0 - 30 * DAY, "Completed"), Job("lately", T0 - DAY, "Completed"))
    await service.start()
    await service.sweep()

    assert [job.name for _, job in await service.store.desk.jobs()] == ["lately"]


async def test_refused_credentials_are_told_once_and_the_loop_goes_on(service: Service, sagemaker: SageMaker) -> None:
    sagemaker.fails[LIST] = "ExpiredTokenException"
    await service.start()
    with capture_logs() as logs:
        assert await service.sweeps(3) == []
        del sagemaker.fails[LIST]
        assert await service.sweep() == ["watching"]

    assert service.witness.outcomes == ["credentials"] * 3 + ["ok"]
    said = [each["event"] for each in logs]
    assert said.count("sweep failed, will try again") == said.count("sweeps work again") == 1


async def test_of_quiet_sweeps_one_a_minute_is_committed_and_a_restart_in_between_misses_nothing(
    service: Service, sagemaker: SageMaker
) -> None:
    async def stored() -> float | None:
        return (await service.store.watch.scope_state(Scope(ACCOUNT, REGION))).complete_at

    await service.start()
    await service.sweep()
    first = await stored()
    await service.sweep(later=30.0)
    assert await stored() == first
    sagemaker.put(Job("brief", sagemaker.now + 1, "Completed", ended=sagemaker.now + 2))
    await service.start()
    assert await service.sweep(later=20.0) == ["status_changed"]
    assert await stored() == sagemaker.now
    await service.sweep(later=59.0)
    assert await stored() == sagemaker.now - 59.0
    await service.sweep(later=1.0)
    assert await stored() == sagemaker.now
