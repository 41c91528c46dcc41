"""The service between a SageMaker and a receiver, as in tests/service, and the tools that break what is around it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import tools
from tests.faults.clock import Clock
from tests.faults.tracing import Tracer
from tests.service.conftest import hook, notifier, sagemaker

__all__ = ["hook", "notifier", "sagemaker"]


@pytest.fixture(scope="session")
def tracer() -> Tracer:
    """strace, which kills at a system call or makes it fail."""
    return Tracer(tools.strace())


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """The wall clock of a service that is started with it."""
    return Clock(tmp_path / "clock", tools.faketime())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "notifier-tests", str(place)]
    if subprocess.run(mount, check=False, capture_output=True, timeout=20).returncode != 0:
        tools.forbidden("mount (it takes root)", "what a full disk does to the whole service is")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=20)
