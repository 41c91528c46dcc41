"""The command line as people type it: what it prints, what it complains of, and its exit status."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from notifier.simulator.loopback import serving
from notifier.simulator.workspace import API_PATH, CHANNEL, TOKEN, Workspace
from tests.pipeline.sagemaker import DESCRIBE, LIST, LIST_TAGS, LIST_TRIALS, PREVIEW, Job, SageMaker
from tests.service.process import BOUND, Hook, Notifier, hooking, notifying, until

WRONG = {
    "NOTIFIER_POLL_INTERVALL": "30s",
    "NOTIFIER_CATCH_UP": "soon",
    "NOTIFIER_OPERATOR": "nobody",
    "NOTIFIER_WEBHOOK_URL": "ftp://user:pa55word@example.invalid/x",
}


async def test_every_wrong_setting_is_named_at_once_and_nothing_is_started(notifier: Notifier) -> None:
    status, out, err = await notifier.command("run", **WRONG)

    assert status == 2 and out == ""
    lines = err.splitlines()
    assert all(any(name in line for line in lines) for name in WRONG)
    assert "did you mean NOTIFIER_POLL_INTERVAL?" in err
    assert "pa55word" not in err and "Traceback" not in err
    assert not (notifier.folder / "notifier.db").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"not a database, surely", "not an SQLite database", id="not-a-database"),
        pytest.param(b"SQLite format 3\0" + b"\xff" * 5000, "notifier.db", id="a-damaged-one"),
    ],
)
async def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(
    notifier: Notifier, content: bytes, says: str
) -> None:
    file = notifier.folder / "notifier.db"
    file.write_bytes(content)

    status, _, err = await notifier.command("run")

    assert status == 2 and says in err and "Traceback" not in err
    assert file.read_bytes() == content


async def test_check_says_that_all_is_well_and_sends_a_test_message(notifier: Notifier, hook: Hook) -> None:
    status, out, err = await notifier.command("check")
    assert (status, err) == (0, "") and "111122223333" in out and not hook.ids

    status, out, _ = await notifier.command("check", "--send")
    assert status == 0 and len(hook.ids) == 1
    assert not (notifier.folder / "notifier.db").exists()


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        pytest.param(LIST, "sagemaker:ListHyperParameterTuningJobs", id="list"),
        pytest.param(DESCRIBE, "sagemaker:DescribeHyperParameterTuningJob", id="describe"),
    ],
)
async def test_check_names_the_missing_iam_action(
    notifier: Notifier, sagemaker: SageMaker, operation: str, action: str
) -> None:
    sagemaker.fails[operation] = "AccessDeniedException"

    status, out, err = await notifier.command("check")

    assert status == 1 and any(line.startswith("✗") and action in line for line in out.splitlines())
    assert "Traceback" not in out + err


async def test_check_says_that_messages_do_without_trials_where_they_may_not_be_listed(
    notifier: Notifier, sagemaker: SageMaker
) -> None:
    people = {"NOTIFIER_DESTINATIONS__LOG__KIND": "console"}
    status, out, _ = await notifier.command("check", **people)
    assert status == 0 and "✓ us-east-1: listing the trials of a tuning job is allowed" in out

    sagemaker.fails[LIST_TRIALS] = "AccessDeniedException"
    status, out, _ = await notifier.command("check", **people)
    assert status == 0
    (said,) = [line for line in out.splitlines() if "without the story of the trials" in line]
    assert said.startswith("–") and "sagemaker:ListTrainingJobsForHyperParameterTuningJob" in said


@pytest.mark.parametrize(
    ("env", "says"),
    [
        pytest.param({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "credentials", id="no-credentials"),
        pytest.param({"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_SAGEMAKER": ""},
                     "us-east-1", id="unreachable"),
        pytest.param({"AWS_DEFAULT_REGION": ""}, "NOTIFIER_REGIONS", id="no-region"),
        pytest.param({"NOTIFIER_WEBHOOK_URL": "http://127.0.0.1:9/x"}, "destination webhook", id="dead-receiver"),
    ],
)  # fmt: skip
async def test_check_says_in_a_line_what_is_missing(notifier: Notifier, env: dict[str, str], says: str) -> None:
    status, out, err = await notifier.command("check", **env)

    bad = [line for line in (out + err).splitlines() if line.startswith(("✗", "notifier:"))]
    assert status in (1, 2) and any(says in line for line in bad)
    assert "Traceback" not in out + err


BOT = {"NOTIFIER_SLACK_BOT_TOKEN": TOKEN, "NOTIFIER_SLACK_CHANNEL": CHANNEL}


@pytest.mark.parametrize(
    ("method", "error", "options"),
    [
        pytest.param("auth.test", "token_revoked", (), id="revoked"),
        pytest.param("chat.postMessage", "is_archived", ("--send",), id="archived"),
        pytest.param("chat.postMessage", "channel_not_found", ("--send",), id="wrong-channel"),
        pytest.param("chat.postMessage", "missing_scope", ("--send",), id="missing-scope"),
    ],
)
async def test_check_names_what_is_wrong_with_a_bot(
    notifier: Notifier, method: str, error: str, options: tuple[str, ...]
) -> None:
    workspace = Workspace()
    app = web.Application()
    app.router.add_routes([workspace.route()])
    async with serving(app, "127.0.0.1") as address:
        bot = BOT | {"NOTIFIER_SLACK_API_URL": address + API_PATH}
        assert (await notifier.command("check", *options, **bot))[0] == 0
        workspace.order(method, error)
        status, out, err = await notifier.command("check", *options, **bot)

    (bad,) = [line for line in out.splitlines() if line.startswith("✗")]
    assert status == 1 and error in bad and "destination slack" in bad and "Traceback" not in out + err
    assert TOKEN not in out + err


async def test_check_says_that_slack_cannot_be_reached(notifier: Notifier) -> None:
    status, out, err = await notifier.command("check", **BOT, NOTIFIER_SLACK_API_URL="http://127.0.0.1:9/api/")

    assert status == 1 and "✗ destination slack: " in out and "Traceback" not in out + err


async def test_the_outbox_of_a_destination_that_is_not_there_is_no_good_news(notifier: Notifier) -> None:
    await notifier.ready(process := await notifier.start())
    status, out, err = await notifier.command("outbox", "list", "--destination", "webhok")

    assert (status, out) == (2, "") and "did you mean webhook?" in err
    assert await notifier.stop(process) == 0


async def test_a_name_that_is_nearly_a_setting_is_a_line_of_check_and_of_settings(notifier: Notifier) -> None:
    nearly = {"NOTIFER_SLACK_WEBHOOK_URL": "https://hooks.slack.example/T/B/hunter2"}
    says = "NOTIFER_SLACK_WEBHOOK_URL: nothing reads it: did you mean NOTIFIER_SLACK_WEBHOOK_URL?"

    status, out, err = await notifier.command("check", **nearly)
    assert (status, err) == (0, "") and f"– {says}" in out.splitlines()
    status, out, err = await notifier.command("settings", **nearly)
    assert (status, err.strip()) == (0, f"notifier: {says}") and "hunter2" not in out


async def test_a_name_that_is_nearly_a_setting_is_a_warning_in_the_log(notifier: Notifier) -> None:
    process = await notifier.start(NOTIFER_EXCLUDE="test-*")
    await notifier.ready(process)

    (warning,) = [line for line in notifier.log() if line["level"] == "warning"]
    assert warning["variable"] == "NOTIFER_EXCLUDE" and "NOTIFIER_EXCLUDE" in warning["advice"]
    assert await notifier.stop(process) == 0


async def test_check_goes_on_past_a_region_that_is_missing_and_ends_with_two(notifier: Notifier) -> None:
    status, out, err = await notifier.command("check", AWS_DEFAULT_REGION="")

    assert (status, err) == (2, "")
    assert "✗ NOTIFIER_REGIONS: no region is set" in out and "✓ destination webhook" in out


async def test_check_in_a_directory_without_settings_says_where_it_looked(tmp_path: Path, sagemaker: SageMaker) -> None:
    async with notifying(tmp_path, sagemaker.url) as notifier:
        _, without, _ = await notifier.command("check")
        (tmp_path / ".env").write_text("NOTIFIER_JOBS=a\n")
        _, with_one, _ = await notifier.command("check")

    assert f"– settings: messages go to the standard output alone; there is no .env in {tmp_path}" in without
    assert "– settings: messages go to the standard output alone\n" in with_one


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param("http://receiver.invalid/hunter2", True, id="http-to-elsewhere"),
        pytest.param("https://receiver.invalid/hunter2", False, id="https"),
        pytest.param("http://localhost:9/hunter2", False, id="this-machine"),
    ],
)
async def test_check_tells_of_a_url_that_anybody_on_the_way_can_read(notifier: Notifier, url: str, told: bool) -> None:
    _, out, _ = await notifier.command("check", NOTIFIER_WEBHOOK_URL=url)

    assert ("– destination webhook: its URL is http" in out) is told
    assert "hunter2" not in out


async def test_check_tells_of_a_destination_for_an_account_that_is_not_watched(notifier: Notifier) -> None:
    def accounts(numbers: str) -> dict[str, str]:
        named = {"KIND": "console", "ACCOUNTS": numbers}
        return {f"NOTIFIER_DESTINATIONS__OPS__{field}": value for field, value in named.items()}

    _, without, _ = await notifier.command("check", **accounts("111122223333"))
    status, out, _ = await notifier.command("check", **accounts("111122223333,999988887777"))

    assert "is not watched" not in without
    assert status == 0
    assert "– destination ops: its ACCOUNTS names what is not watched: 999988887777" in out.splitlines()


@pytest.fixture
def taken() -> Iterator[str]:
    """An address that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def test_check_names_an_address_that_another_program_has(notifier: Notifier, taken: str) -> None:
    status, out, _ = await notifier.command("check", NOTIFIER_HTTP=taken)

    bad = [line for line in out.splitlines() if line.startswith("✗")]
    assert status == 2 and len(bad) == 1
    assert bad[0].startswith(f"✗ NOTIFIER_HTTP: cannot listen on {taken}: another program does;")


async def test_check_beside_a_running_service_finds_no_fault(notifier: Notifier) -> None:
    process = await notifier.start()
    await notifier.ready(process)

    status, out, _ = await notifier.command("check")

    assert (status, "✗" in out) == (0, False)
    assert f"NOTIFIER_HTTP: a notifier runs already at 127.0.0.1:{notifier.port}" in out
    assert await notifier.stop(process) == 0


async def test_check_beside_a_service_at_another_address_says_who_has_the_database(notifier: Notifier) -> None:
    process = await notifier.start()
    await notifier.ready(process)

    status, out, _ = await notifier.command("check", NOTIFIER_HTTP="")

    assert status == 0 and out.endswith("All is well.\n")
    assert f"– database: process {process.pid} runs on it now" in out
    assert await notifier.stop(process) == 0


async def test_run_on_an_address_that_another_program_has_is_a_fault_of_settings(
    notifier: Notifier, sagemaker: SageMaker, taken: str
) -> None:
    status, out, err = await notifier.command("run", NOTIFIER_HTTP=taken)

    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith(f"notifier: NOTIFIER_HTTP: cannot listen on {taken}: another program does;")
    assert not sagemaker.calls and "Traceback" not in err


@pytest.mark.parametrize("command", ["demo", "simulate"])
async def test_a_port_that_another_program_has_is_wrong_usage(notifier: Notifier, taken: str, command: str) -> None:
    status, out, err = await notifier.command(command, "--port", taken.partition(":")[2])

    assert (status, out) == (2, "")
    assert err.strip() == (
        f"notifier: --port: cannot listen on {taken}: another program does; choose another port, or 0 for any free one"
    )


async def test_describe_prints_the_canonical_record_from_both_dialects(
    notifier: Notifier, sagemaker: SageMaker
) -> None:
    sagemaker.put(Job("xgb", 1_700_000_000.0, completed=3, best=2, value=0.75))

    status, out, _ = await notifier.command("describe", "xgb", "--no-trials")
    today = json.loads(out)
    assert status == 0
    assert today["BestTrainingJob"]["FinalTuningJobObjectiveMetric"] == {"MetricName": "validation:auc", "Value": 0.75}
    assert today["ResourcesStats"]["ConsumedResources"]["Jobs"] == {"Completed": 3, "Failed": 0}
    assert today["TuningJobStartTime"] == "2023-11-14T22:13:20Z"

    env = {"NOTIFIER_API": "preview", "NOTIFIER_JOBS": "xgb"}
    status, out, _ = await notifier.command("describe", "xgb", **env)
    preview = json.loads(out)
    assert status == 0 and sagemaker.calls[PREVIEW] == 1
    assert preview["ResourcesStats"]["ConsumedResources"]["Jobs"] == {
        "Completed": 3, "Failed": 0, "Pending": 0, "Running": 1,
    }  # fmt: skip
    assert set(preview) == set(today)


async def test_describe_of_a_job_that_is_not_there_fails_in_one_line(notifier: Notifier) -> None:
    status, out, err = await notifier.command("describe", "nobody")

    assert (status, out) == (1, "") and err.strip() == "notifier: no tuning job named nobody in us-east-1"


async def test_jobs_and_outbox_work_beside_a_running_service(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook
) -> None:
    process = await notifier.start()
    await notifier.ready(process)
    hook.status = 400
    sagemaker.put(Job("xgb", time.time(), completed=3), Job("bert", time.time()))
    await until(lambda: hook.attempts.total() == 2, "both were refused")

    status, out, _ = await notifier.command("jobs")
    assert status == 0 and "xgb" in out and "3 done" in out
    status, out, _ = await notifier.command("jobs", "--json")
    assert {json.loads(line)["name"] for line in out.splitlines()} == {"xgb", "bert"}

    rows: list[str] = []
    async with asyncio.timeout(10):
        while len(rows) < 2:
            status, out, _ = await notifier.command("outbox", "list", "--dead")
            rows = [line.split()[0] for line in out.splitlines() if "tuning_job.started" in line]
    status, out, _ = await notifier.command("outbox", "show", rows[0])
    assert status == 0 and "dead" in out and "400" in out
    status, out, err = await notifier.command("outbox", "discard", rows[0], "999")
    assert status == 1 and "1 message discarded" in out and "999" in err

    hook.status = 200
    status, out, _ = await notifier.command("outbox", "retry", "--all")
    assert status == 0 and "1 message owed again" in out
    await until(lambda: len(hook.ids) == 1, "the retried one is told")
    assert hook.attempts[hook.ids[0]] == 2
    assert await notifier.stop(process) == 0


async def test_retrying_all_lets_a_destination_go_that_was_held_for_ever(
    notifier: Notifier, sagemaker: SageMaker, hook: Hook
) -> None:
    process = await notifier.start()
    await notifier.ready(process)
    hook.status = 410
    sagemaker.put(Job("xgb", time.time()))

    async def list_() -> str:
        return (await notifier.command("outbox", "list"))[2]

    async with asyncio.timeout(BOUND):
        while "notifier outbox retry --all" not in await list_():
            assert hook.attempts.total() <= 1

    hook.status = 200
    status, out, _ = await notifier.command("outbox", "retry", "--all")
    assert status == 0 and "1 message owed again" in out
    await until(lambda: len(hook.ids) == 1, "what was held is told")
    assert hook.attempts[hook.ids[0]] == 2
    assert await notifier.stop(process) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("outbox", "retry"), id="nothing-to-retry"),
        pytest.param(("outbox", "retry", "1", "--to", "nowhere"), id="an-unknown-destination"),
        pytest.param(("outbox", "list"), id="no-database-yet"),
        pytest.param(("nonsense",), id="no-such-command"),
    ],
)
async def test_wrong_usage_ends_with_two(notifier: Notifier, arguments: tuple[str, ...]) -> None:
    status, out, err = await notifier.command(*arguments)

    assert status == 2 and err and "Traceback" not in out + err


async def test_a_number_that_no_message_can_have_is_wrong_usage(notifier: Notifier) -> None:
    await notifier.ready(await notifier.start())
    asked = [("show", "0"), ("show", str(2**63)), ("retry", str(2**63)), ("discard", str(2**63))]

    answers = [await notifier.command("outbox", *each) for each in [*asked, ("list", "--limit", str(2**63))]]

    assert [status for status, _, _ in answers] == [2] * 5
    assert not any("Traceback" in err for _, _, err in answers)


async def test_settings_masks_what_is_secret(tmp_path: Path) -> None:
    async with hooking() as hook, notifying(tmp_path, "http://127.0.0.1:9", hook) as notifier:
        status, out, _ = await notifier.command("settings")

    assert status == 0 and "NOTIFIER_WEBHOOK_SECRET" in out
    assert hook.secret not in out and hook.url not in out


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        pytest.param({"AWS_REGION": "eu-west-1"}, "eu-west-1", id="found"),
        pytest.param({"AWS_DEFAULT_REGION": ""}, "AWS's default region", id="none-to-be-found"),
        pytest.param({"NOTIFIER_REGIONS": "us-east-2,eu-west-1"}, "us-east-2,eu-west-1", id="set"),
    ],
)
async def test_settings_shows_the_region_that_is_watched(tmp_path: Path, env: dict[str, str], shown: str) -> None:
    async with notifying(tmp_path, "http://127.0.0.1:9") as notifier:
        status, out, _ = await notifier.command("settings", **env)

    (line,) = [line for line in out.splitlines() if line.startswith("NOTIFIER_REGIONS")]
    assert status == 0 and line.rstrip().endswith(f"  {shown}")


@pytest.mark.parametrize("command", [("describe", "xgb", "--no-trials"), ("check",)], ids=["describe", "check"])
async def test_what_dotenv_says_to_aws_counts_for_every_command(
    notifier: Notifier, sagemaker: SageMaker, command: tuple[str, ...]
) -> None:
    sagemaker.put(Job("xgb", time.time()))
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"):
        del notifier.env[name]
    (notifier.folder / ".env").write_text(f"AWS_ENDPOINT_URL={sagemaker.url}\n")

    status, out, err = await notifier.command(*command)

    assert (status, err) == (0, ""), out


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        pytest.param(None, "✓ us-east-1: reading the tags of a tuning job is allowed", id="allowed"),
        pytest.param("AccessDeniedException", "– us-east-1: filters by tag will let everything through", id="denied"),
    ],
)
async def test_check_says_whether_filters_by_tag_work(
    notifier: Notifier, sagemaker: SageMaker, failure: str | None, says: str
) -> None:
    by_tag = {"NOTIFIER_DESTINATIONS__VISION__KIND": "console", "NOTIFIER_DESTINATIONS__VISION__TAGS": "team=vision"}
    _, out, _ = await notifier.command("check", **by_tag)
    assert "no tuning job is there to read the tags of" in out
    sagemaker.put(Job("xgb", time.time()))
    sagemaker.fails |= {LIST_TAGS: failure} if failure else {}

    status, out, _ = await notifier.command("check", **by_tag)

    assert status == 0
    assert says in out
    assert failure is None or "sagemaker:ListTags" in out
