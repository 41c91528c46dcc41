"""The demo as people run it: the real service, as a process, between the simulator and the inbox."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from notifier.simulator.demo import DemoOptions, Stage
from notifier.simulator.inbox import SLACK_PATH
from notifier.simulator.loopback import serving
from notifier.simulator.service import environment, free_port, running_service

# The one command line that needs no settings of its own.
_DEMO = "import asyncio, sys; from notifier.simulator import DemoOptions, run_demo; sys.exit(asyncio.run(run_demo({})))"
_SIMULATOR = (
    "import asyncio, sys; from notifier.simulator import SimulatorOptions, run_simulator; "
    "sys.exit(asyncio.run(run_simulator(SimulatorOptions(port=0))))"
)


async def started(code: str) -> asyncio.subprocess.Process:
    """A process that runs this code; its output is read through a pipe."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", code),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"COLUMNS": "200", "NOTIFIER_NONSENSE": "kept away from the service"},
    )


async def until(process: asyncio.subprocess.Process, words: Sequence[str]) -> list[str]:
    """Read its lines until each of these words was seen."""
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(40):
        while not all(any(word in line for line in lines) for word in words):
            line = await process.stdout.readline()
            assert line, "".join(lines)
            lines.append(line.decode())
    return lines


async def finished(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    """Its exit status and the rest of its output."""
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_the_demo_tells_every_ending_once_and_ends_by_itself() -> None:
    process = await started(_DEMO.format("DemoOptions(seconds=16.0)"))

    status, output = await finished(process)

    assert status == 0, output
    assert "8 of 8, each exactly once" in output
    assert "bin-images-resnet50: failed" in output
    assert "times fewer than the naive loop" in output
    assert "Traceback" not in output and "whsec_" not in output


@pytest.mark.parametrize("by", [pytest.param(signal.SIGINT, id="ctrl-c"), pytest.param(signal.SIGTERM, id="sigterm")])
async def test_an_interrupted_demo_ends_cleanly_with_its_summary(by: signal.Signals) -> None:
    process = await started(_DEMO.format("DemoOptions(seconds=60.0)"))
    await until(process, ["started"])

    process.send_signal(by)
    status, output = await finished(process)

    assert status == 0, output
    assert "What happened" in output and "Endings told" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("terminal", "end"),
    [
        pytest.param(False, "the last word", id="a-file-gets-everything"),
        pytest.param(True, "…", id="a-terminal-its-width"),
    ],
)
async def test_a_message_is_cut_for_nothing_but_a_terminal(
    http: aiohttp.ClientSession, terminal: bool, end: str
) -> None:
    shown = StringIO()
    stage = Stage(DemoOptions(), Console(file=shown, width=40, force_terminal=terminal, color_system=None))
    text = f"xgb-churn: failed {'and so on ' * 10}to the last word"

    async with (
        serving(stage.inbox.app(), "127.0.0.1") as address,
        http.post(address + SLACK_PATH, json={"text": text}) as answer,
    ):
        assert answer.status == 200, await answer.text()

    (line,) = shown.getvalue().splitlines()
    assert "xgb-churn: failed" in line and line.endswith(end)


async def test_the_simulator_alone_says_how_to_point_a_service_at_it(http: aiohttp.ClientSession) -> None:
    process = await started(_SIMULATOR)
    lines = await until(process, ["AWS_ENDPOINT_URL", "notifier run"])
    address = next(line for line in lines if "AWS_ENDPOINT_URL" in line).strip().partition("=")[2]

    async with http.get(f"{address}/__calls") as answer:
        assert await answer.json() == {"calls": {}, "refused": {}, "sweeps": 0}

    process.send_signal(signal.SIGINT)
    assert (await finished(process))[0] == 0


def test_nothing_that_could_lead_elsewhere_reaches_the_service(tmp_path: Path) -> None:
    foreign = {
        "NOTIFIER_SLACK_BOT_TOKEN": "xoxb-real",
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL_SAGEMAKER": "https://elsewhere.example",
        "DATABASE_URL": "postgres://production",
        "PORT": "80",
        "https_proxy": "http://proxy.example",
        "HOME": "/home/somebody",
    }

    given = environment(
        foreign,
        folder=tmp_path,
        simulator="http://127.0.0.1:1",
        inbox="http://127.0.0.1:2",
        secret="whsec_x",
        region="us-east-1",
        http="127.0.0.1:3",
    )

    assert given.keys() & foreign.keys() == {"HOME"}
    assert given["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert given["NOTIFIER_WEBHOOK_URL"] == "http://127.0.0.1:2/hook"


async def test_a_service_that_refuses_to_start_leaves_its_last_words(tmp_path: Path) -> None:
    settings = environment(
        os.environ,
        folder=tmp_path,
        simulator="http://127.0.0.1:1",
        inbox="http://127.0.0.1:2",
        secret="not a secret",
        region="us-east-1",
        http=f"127.0.0.1:{free_port('127.0.0.1')}",
    )

    async with running_service(settings, tmp_path) as service, asyncio.timeout(30):
        status = await service.ended()
        words = service.last_words()

    assert status == 2
    assert "NOTIFIER_WEBHOOK_SECRET" in words
