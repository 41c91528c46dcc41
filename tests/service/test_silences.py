"""`notifier silence` beside a running service, and what it complains of."""

import time
from datetime import UTC, datetime

import pytest

from tests.pipeline.sagemaker import Job, SageMaker
from tests.service.process import Hook, Notifier, until


def told(hook: Hook) -> list[str]:
    """The jobs that were told of."""
    return [job for job, _, _ in hook.heard()]


async def test_a_silence_is_obeyed_by_the_running_service_until_it_is_ended(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook
) -> None:
    process = await notifier.start()
    await notifier.ready(process)
    status, said, warned = await notifier.command(
        "silence", "add", "--job", "xgb-*", "--destination", "webhook", "--for", "1h", "--comment", "bad data"
    )
    assert (status, "silence 1: webhook hears nothing of xgb-* until" in said) == (0, True)
    assert "it matches no job that is known" in warned

    sagemaker.put(Job("xgb-1", time.time()))
    sagemaker.put(Job("bert", time.time()))
    await until(lambda: any(line["event"] == "silenced" for line in notifier.log()), "it is silenced")
    await until(lambda: told(hook).count("bert") == 1, "the other job is told")
    assert "xgb-1" not in told(hook)
    _, listed, _ = await notifier.command("outbox", "list", "--silenced")
    assert "xgb-1" in listed and "silence 1: xgb-*" in listed
    _, silences, _ = await notifier.command("silence", "list")
    assert "xgb-*" in silences and "bad data" in silences

    status, said, _ = await notifier.command("silence", "end", "1")
    assert (status, said) == (0, "1 silence ended.\n")
    sagemaker.put(Job("xgb-2", time.time()))
    await until(lambda: "xgb-2" in told(hook), "what comes later is told")
    assert "xgb-1" not in told(hook)

    row = listed.splitlines()[1].split()[0]
    assert (await notifier.command("outbox", "retry", row))[0] == 0
    await until(lambda: "xgb-1" in told(hook), "what was kept back is sent where somebody insists")
    assert await notifier.stop(process) == 0


async def test_a_silence_says_which_jobs_in_progress_it_matches(notifier: Notifier, sagemaker: SageMaker) -> None:
    sagemaker.put(Job("xgb-1", time.time()))
    process = await notifier.start()
    await notifier.ready(process)

    status, said, warned = await notifier.command("silence", "add", "--destination", "webhook")

    assert status == 0 and "any job" in said and "In progress now: xgb-1." in said
    assert warned == ""
    assert await notifier.stop(process) == 0


async def test_several_jobs_are_several_silences_and_a_far_end_has_its_year(notifier: Notifier) -> None:
    await notifier.ready(process := await notifier.start())
    options = ("--job", "a", "--job", "b", "--for", "364d", "--comment", "one\ntwo")
    status, said, _ = await notifier.command("silence", "add", *options)
    _, listed, _ = await notifier.command("silence", "list")

    then = datetime.fromtimestamp(time.time() + 364 * 86400, UTC)
    assert status == 0
    assert f"silence 1: whoever reads messages hears nothing of a until {then.year} " in said
    assert f"silence 2: whoever reads messages hears nothing of b until {then.year} " in said
    assert listed.count("one two") == 2
    assert await notifier.stop(process) == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param(("--job", "a b"), "--job can match no tuning job", id="no-glob"),
        pytest.param(("--destination", "webhok"), "did you mean webhook?", id="misspelt-destination"),
        pytest.param(("--for", "soon"), "--for soon: not a duration", id="no-duration"),
        pytest.param(("--for", "0"), "lasts longer than nothing", id="no-time-at-all"),
        pytest.param(("--for", "9999d"), "a year at most", id="for-ever"),
    ],
)
async def test_a_wrong_silence_is_refused(notifier: Notifier, options: tuple[str, ...], says: str) -> None:
    status, out, err = await notifier.command("silence", "add", *options)

    assert (status, out) == (2, "")
    assert says in err


async def test_a_silence_that_can_match_nothing_is_said_to(notifier: Notifier, sagemaker: SageMaker) -> None:
    process = await notifier.start(NOTIFIER_JOBS="bert*")
    await notifier.ready(process)

    status, _, warned = await notifier.command("silence", "add", "--job", "xgb-*", NOTIFIER_JOBS="bert*")

    assert status == 0
    assert "it can match nothing that is watched: NOTIFIER_JOBS names other jobs" in warned
    assert "no destination is for people" in warned
    status, _, err = await notifier.command("silence", "end", "1", "2")
    assert status == 1 and "not ended, for they are over or unknown: 2" in err
    assert (await notifier.command("silence", "list"))[1] == "Nothing is silenced.\n"
    assert "(over)" in (await notifier.command("silence", "list", "--all"))[1]
    assert await notifier.stop(process) == 0
