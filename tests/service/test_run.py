"""`notifier run` as a process: from SageMaker's API to the webhook, through stops, kills and outages."""

import asyncio
import random
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from tests.pipeline.sagemaker import DESCRIBE, LIST, Job, SageMaker
from tests.service.process import Hook, Notifier, notifying, until


async def test_tells_a_life_from_the_api_to_a_signed_webhook(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook
) -> None:
    process = await notifier.start()
    await notifier.ready(process)

    sagemaker.put(Job("xgb", time.time()))
    await until(lambda: hook.heard() == [("xgb", "started", None)], "the start is told")
    sagemaker.move("xgb", completed=3, best=2, value=0.9, status="Completed", ended=time.time())
    await until(lambda: len(hook.events) == 3, "best and ending are told")

    assert hook.heard()[1:] == [("xgb", "new_best", None), ("xgb", "status_changed", "Completed")]
    body = list(hook.events.values())[-1]
    assert body["source"].endswith("hyper-parameter-tuning-job/xgb")
    assert body["data"]["tuning_job"]["BestTrainingJob"]["TrainingJobName"] == "xgb-002"
    assert await notifier.stop(process) == 0


async def test_what_was_detected_before_a_kill_is_delivered_after_it_under_the_same_id(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook
) -> None:
    process = await notifier.start()
    await notifier.ready(process)
    hook.status = 503
    sagemaker.put(Job("xgb", time.time()))
    await until(lambda: len(hook.attempts) == 1, "the start was tried")
    assert await notifier.stop(process, signal.SIGKILL) == -signal.SIGKILL

    sagemaker.move("xgb", status="Failed", ended=time.time())
    hook.status = 200
    process = await notifier.start()
    await until(lambda: len(hook.events) == 2, "start and ending are told")

    assert hook.heard() == [("xgb", "started", None), ("xgb", "status_changed", "Failed")]
    assert set(hook.ids) == set(hook.attempts)
    assert len(hook.ids) == 2


async def test_a_job_that_began_and_ended_while_the_service_was_down_is_told(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook
) -> None:
    process = await notifier.start()
    await notifier.ready(process)
    assert await notifier.stop(process) == 0

    sagemaker.put(Job("brief", time.time(), "Completed", completed=1, best=1, value=0.5, ended=time.time()))
    await notifier.start()

    await until(lambda: len(hook.events) == 2, "it is told")
    assert hook.heard() == [("brief", "new_best", None), ("brief", "status_changed", "Completed")]


async def test_a_stop_lets_what_is_in_flight_finish(notifier: Notifier, sagemaker: SageMaker, hook: Hook) -> None:
    process = await notifier.start()
    await notifier.ready(process)
    hook.hold = asyncio.Event()
    sagemaker.put(Job("slow", time.time()))
    await until(lambda: len(hook.attempts) == 1, "the send is under way")

    process.send_signal(signal.SIGTERM)
    await until(lambda: any(line["event"] == "stopping" for line in notifier.log()), "it is stopping")
    hook.hold.set()
    assert await process.wait() == 0
    assert len(hook.ids) == 1

    hook.hold = None
    process = await notifier.start()
    await notifier.ready(process)
    assert await notifier.stop(process) == 0
    assert hook.attempts.total() == 1


async def test_a_send_that_outlasts_the_grace_is_cut_off_and_goes_again(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook
) -> None:
    process = await notifier.start(NOTIFIER_GRACE="1s")
    await notifier.ready(process)
    hook.hold = asyncio.Event()
    sagemaker.put(Job("slower", time.time()))
    await until(lambda: len(hook.attempts) == 1, "the send is under way")

    assert await notifier.stop(process) == 0
    hook.hold.set()
    hook.hold = None
    await notifier.start()
    await until(lambda: hook.attempts.total() == 2, "it goes again")
    assert len(hook.attempts) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_second_signal_forces(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook, number: signal.Signals
) -> None:
    process = await notifier.start(NOTIFIER_GRACE="1h")
    await notifier.ready(process)
    hook.hold = asyncio.Event()
    sagemaker.put(Job("stuck", time.time()))
    await until(lambda: len(hook.attempts) == 1, "the send is under way")
    process.send_signal(number)
    await until(lambda: any(line["event"] == "stopping" for line in notifier.log()), "it is stopping")

    assert await notifier.stop(process, number) == 128 + number
    hook.hold.set()


async def test_kills_at_any_moment_lose_nothing_and_double_only_what_was_in_flight(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook
) -> None:
    process = await notifier.start()
    await notifier.ready(process)
    dice, kills = random.Random(7), 6
    names = [f"job-{number:02d}" for number in range(30)]
    for round_ in range(kills):
        for name in names[round_ * 5 : round_ * 5 + 5]:
            sagemaker.put(Job(name, time.time()))
        await asyncio.sleep(dice.uniform(0.3, 1.5))  # The moment of the kill is the case: no condition stands for it.
        for name in names[round_ * 5 : round_ * 5 + 5]:
            sagemaker.move(name, completed=2, best=1, value=0.7, status="Completed", ended=time.time())
        await asyncio.sleep(dice.uniform(0.1, 1.2))
        assert await notifier.stop(process, signal.SIGKILL) == -signal.SIGKILL
        process = await notifier.start()

    def endings() -> set[str]:
        return {job for job, kind, to in hook.heard() if (kind, to) == ("status_changed", "Completed")}

    await until(lambda: endings() == set(names), "every ending is told")
    await notifier.ready(process)
    assert await notifier.stop(process) == 0
    repeats = len(hook.ids) - len(set(hook.ids))
    assert repeats <= 4 * kills  # At most four sends were under way at each kill.
    for name in names:
        assert [kind for job, kind, _ in hook.heard() if job == name][-2:] == ["new_best", "status_changed"]


async def test_without_a_region_nothing_is_started(notifier: Notifier) -> None:
    status, out, err = await notifier.command("run", AWS_DEFAULT_REGION="")

    assert (status, out) == (2, "") and err.startswith("notifier: NOTIFIER_REGIONS")
    assert not (notifier.folder / "notifier.db").exists()


async def test_a_second_run_on_the_same_database_is_refused(notifier: Notifier) -> None:
    process = await notifier.start()
    await notifier.ready(process)

    status, out, err = await notifier.command("run", NOTIFIER_HTTP="")

    assert status == 2 and out == ""
    assert "notifier.db" in err and "Traceback" not in err
    assert await notifier.stop(process) == 0


async def test_a_receiver_that_is_down_delays_no_other_and_gets_everything_when_it_is_back(
    tmp_path: Path, sagemaker: SageMaker, hook: Hook
) -> None:
    other = {
        "NOTIFIER_DESTINATIONS__DEAD__KIND": "webhook",
        "NOTIFIER_DESTINATIONS__DEAD__URL": "http://127.0.0.1:9/nobody",
    }
    async with notifying(tmp_path, sagemaker.url, hook, **other) as notifier:
        process = await notifier.start()
        await notifier.ready(process)
        sagemaker.put(*(Job(f"job-{number}", time.time()) for number in range(5)))
        await until(lambda: len(hook.events) == 5, "the living one is told")

        status, out, _ = await notifier.command("outbox", "list", "--destination", "dead")
        assert status == 0 and out.count("tuning_job.started") == 5
        async with aiohttp.ClientSession() as http:
            assert await notifier.status(http, "/readyz") == 200
        assert await notifier.stop(process) == 0

        moved = await notifier.start(NOTIFIER_DESTINATIONS__DEAD__URL=hook.url)
        await until(lambda: hook.attempts.total() >= 5, "what was owed goes to the new address")
        await notifier.stop(moved)


async def test_trouble_with_aws_is_one_line_and_the_service_waits_for_its_end(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook
) -> None:
    sagemaker.fails[LIST] = "AccessDeniedException"
    process = await notifier.start()

    def complaints() -> list[str]:
        return [str(line["error"]) for line in notifier.log() if line["level"] == "warning" and "error" in line]

    await until(lambda: sagemaker.calls[LIST] >= 3, "it keeps trying")
    assert [("sagemaker:ListHyperParameterTuningJobs" in line) for line in complaints()] == [True]
    async with aiohttp.ClientSession() as http:
        assert await notifier.status(http, "/healthz") == 200
        assert await notifier.status(http, "/readyz") == 503

    del sagemaker.fails[LIST]
    await notifier.ready(process)
    sagemaker.put(Job("xgb", time.time()))
    await until(lambda: len(hook.events) == 1, "what happens now is told")
    assert await notifier.stop(process) == 0
    text = notifier.log_file.read_text()
    assert "Traceback" not in text and "aVerySecretAccessKey" not in text and hook.secret not in text


async def test_the_logs_of_a_delivery_hold_no_secret(notifier: Notifier, sagemaker: SageMaker, hook: Hook) -> None:
    process = await notifier.start(NOTIFIER_LOG_LEVEL="debug")
    await notifier.ready(process)
    hook.status = 500
    sagemaker.put(Job("xgb", time.time()))
    await until(lambda: hook.attempts.total() >= 2, "it fails and is tried again")
    assert await notifier.stop(process) == 0

    text = notifier.log_file.read_text()
    assert hook.url not in text and hook.secret not in text and "aVerySecretAccessKey" not in text


async def test_a_describe_that_always_fails_for_one_job_delays_no_other(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook
) -> None:
    process = await notifier.start()
    await notifier.ready(process)
    sagemaker.fails["bad"] = "ValidationException"
    sagemaker.put(Job("bad", time.time()), Job("good", time.time()))
    await until(lambda: hook.heard() == [("good", "started", None)], "the other is told")

    del sagemaker.fails["bad"]
    await until(lambda: ("bad", "started", None) in hook.heard(), "and then the first")
    assert sagemaker.calls[DESCRIBE] >= 3
    assert await notifier.stop(process) == 0


async def test_the_preview_dialect_is_watched_by_name(tmp_path: Path, sagemaker: SageMaker, hook: Hook) -> None:
    preview = {"NOTIFIER_API": "preview", "NOTIFIER_JOBS": "one,two"}
    async with notifying(tmp_path, sagemaker.url, hook, **preview) as notifier:
        sagemaker.put(Job("one", time.time()))
        process = await notifier.start()
        await notifier.ready(process)
        sagemaker.move("one", completed=1, best=1, value=0.5, status="Stopped")

        await until(lambda: len(hook.events) == 2, "best and ending are told")
        assert hook.heard() == [("one", "new_best", None), ("one", "status_changed", "Stopped")]
        assert {each["source"] for each in hook.events.values()} == {"urn:notifier:111122223333:us-east-1:one"}
        assert await notifier.stop(process) == 0
