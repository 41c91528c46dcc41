"""Every recorded answer of the API through the real process: as SageMaker gave it, to the webhook's record."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.examples import SAMPLES, sample
from tests.service.process import Hook, Notifier, notifying, until
from tests.sources.aws import wire

RECORDED = sorted(path.name for path in SAMPLES.glob("describe_*.json") if "partial" not in path.name)
SEED = {
    "BestTrainingJob", "MetricDefinitions", "ParameterRanges", "ResourcesStats", "Strategy", "TuningJobName",
    "TuningJobStartTime", "TuningJobEndTime", "TuningJobStatus", "FailureReason",
}  # fmt: skip


class Recording:
    """A service with one tuning job, in progress until `play`, then as it was recorded."""

    def __init__(self, recorded: dict[str, Any]) -> None:
        self.describe = wire(recorded)
        self.played = False

    async def answer(self, request: web.Request) -> web.Response:
        target = request.headers.get("X-Amz-Target", "")
        if not target:
            return web.Response(status=403)
        describe = self.describe if self.played else self._before()
        if target.endswith("ListHyperParameterTuningJobs"):
            names = ("Name", "Arn", "Status")
            row = {f"HyperParameterTuningJob{name}": describe[f"HyperParameterTuningJob{name}"] for name in names}
            row |= {name: describe[name] for name in ("CreationTime", "TrainingJobStatusCounters")}
            row |= {"ObjectiveStatusCounters": {}, "Strategy": describe["HyperParameterTuningJobConfig"]["Strategy"]}
            return web.json_response({"HyperParameterTuningJobSummaries": [row]})
        return web.json_response(describe)

    def _before(self) -> dict[str, Any]:
        nothing = dict.fromkeys(self.describe["TrainingJobStatusCounters"], 0)
        before = self.describe | {"HyperParameterTuningJobStatus": "InProgress", "TrainingJobStatusCounters": nothing}
        gone = ("BestTrainingJob", "OverallBestTrainingJob", "HyperParameterTuningEndTime", "FailureReason")
        return {name: value for name, value in before.items() if name not in gone}


@pytest.fixture(params=RECORDED)
async def recording(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Recording, str]]:
    recording = Recording(sample(request.param))
    app = web.Application()
    app.router.add_post("/", recording.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield recording, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_recorded_answer_becomes_the_seeds_record(
    recording: tuple[Recording, str], hook: Hook, tmp_path: Path
) -> None:
    service, url = recording
    # The recordings are old: without this their endings would be counted, not told.
    async with notifying(tmp_path, url, hook, NOTIFIER_CATCH_UP="36500d") as notifier:
        process = await notifier.start()
        await notifier.ready(process)
        service.played = True
        await _told(service, notifier, hook)
        assert await notifier.stop(process) == 0


async def _told(service: Recording, notifier: Notifier, hook: Hook) -> None:
    best = service.describe.get("BestTrainingJob")
    status = service.describe["HyperParameterTuningJobStatus"]
    expected = (["new_best"] if best else []) + (["status_changed"] if status != "InProgress" else [])
    await until(lambda: [kind for _, kind, _ in hook.heard()] == expected, f"{expected} are told")

    returned, out, _ = await notifier.command("describe", service.describe["HyperParameterTuningJobName"])
    record = json.loads(out)
    assert returned == 0 and set(record) <= SEED
    assert record["TuningJobStatus"] == status
    for event in hook.events.values():
        assert set(event["data"]["tuning_job"]) <= SEED
        told = event["data"]["tuning_job"].get("BestTrainingJob")
        if best is None:
            assert told is None
            continue
        assert told["TrainingJobName"] == best["TrainingJobName"]
        metric = best["FinalHyperParameterTuningJobObjectiveMetric"]
        assert told["FinalTuningJobObjectiveMetric"] == {"MetricName": metric["MetricName"], "Value": metric["Value"]}
        assert told["HyperParameters"] == best["TunedHyperParameters"]
