"""A clean AWS environment, a server to talk to, and sources that lose patience quickly."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from notifier.ports import Source
from notifier.sources import Patience, hyperparameter_source, new_session, preview_source
from tests.examples import ACCOUNT, REGION
from tests.sources.aws import Aws

HASTE = Patience(attempts=4, deadline=10.0, pause=0.001, longest_pause=0.002)
FAST = 10_000.0
"""Requests a second: as good as none."""
KEY_ID, SECRET, TOKEN = "AKIAEXAMPLEEXAMPLE", "secretsecretsecret", "tokentokentoken"


@dataclass
class Tally:
    """A meter that remembers."""

    calls: list[tuple[str, str, str]] = field(default_factory=list)

    def call(self, region: str, operation: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.calls.append((region, operation, outcome))

    def attempt(self, kind: str, outcome: str, seconds: float) -> None:
        raise AssertionError("a source sends nothing")

    def message(self, kind: str, outcome: str, count: int = 1) -> None:
        raise AssertionError("a source sends nothing")


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)


@pytest.fixture
async def aws(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Aws]:
    async with Aws.running() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield aws


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
async def source(aws: Aws, tally: Tally) -> AsyncIterator[Source]:
    async with hyperparameter_source(new_session(), REGION, rate=FAST, meter=tally, patience=HASTE) as source:
        yield source


@pytest.fixture
async def preview(aws: Aws, tally: Tally) -> AsyncIterator[Source]:
    session = new_session()
    async with preview_source(session, REGION, rate=FAST, meter=tally, account=ACCOUNT, patience=HASTE) as source:
        yield source
