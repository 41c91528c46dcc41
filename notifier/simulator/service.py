"""The real service as a process of its own, told by its environment alone to meet the simulator and the inbox."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import notifier
from notifier.simulator.inbox import HOOK_PATH
from notifier.simulator.workspace import API_PATH, CHANNEL, TOKEN

_STOP_WITHIN = 15.0
# What could lead the service to a real account, a real channel, or through a proxy.
_FOREIGN = ("NOTIFIER_", "AWS_")
_FOREIGN_NAMES = {"DATABASE_URL", "PORT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}


def webhook_secret() -> str:
    """A fresh Standard Webhooks secret."""
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


def free_port(host: str) -> int:
    """A port that is free now."""
    with socket.create_server((host, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def environment(
    inherited: Mapping[str, str], *, folder: Path, simulator: str, inbox: str, secret: str, region: str, http: str
) -> dict[str, str]:
    """The service's whole environment: of the inherited one, nothing that concerns it stays."""
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.upper().startswith(_FOREIGN) and name.upper() not in _FOREIGN_NAMES
    }
    package = str(Path(notifier.__file__).parent.parent)
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, [package, inherited.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "*",
        "AWS_ENDPOINT_URL": simulator,
        "AWS_ACCESS_KEY_ID": "simulated",
        "AWS_SECRET_ACCESS_KEY": "simulated",
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NOTIFIER_DATABASE_URL": f"sqlite:///{folder / 'demo.db'}",
        "NOTIFIER_SECRETS_DIR": str(folder),
        "NOTIFIER_DESTINATIONS__SLACK__KIND": "slack",
        "NOTIFIER_DESTINATIONS__SLACK__TOKEN": TOKEN,
        "NOTIFIER_DESTINATIONS__SLACK__CHANNEL": CHANNEL,
        "NOTIFIER_DESTINATIONS__SLACK__URL": f"{inbox}{API_PATH}",
        "NOTIFIER_DESTINATIONS__SLACK__EDIT_INTERVAL": "3s",
        "NOTIFIER_WEBHOOK_URL": f"{inbox}{HOOK_PATH}",
        "NOTIFIER_WEBHOOK_SECRET": secret,
        "NOTIFIER_HTTP": http,
        # Days pass in a minute here, so everything that waits is sped up as well.
        "NOTIFIER_POLL_INTERVAL": "1s",
        "NOTIFIER_API_RATE": "50",
        "NOTIFIER_SLACK_RATE": "5",
        "NOTIFIER_BEST_COOLDOWN": "4s",
    }


class Service:
    """A running `notifier run`. Its output goes to a file, of which the last lines are shown if it dies."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    async def ended(self) -> int:
        """Wait for its end by itself; gives the exit status."""
        return await self._process.wait()

    def last_words(self, lines: int = 12) -> str:
        """The end of what it wrote."""
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-lines:])

    async def stop(self) -> int:
        """SIGTERM, and SIGKILL where that is not enough; gives the exit status."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()


@asynccontextmanager
async def running_service(settings: Mapping[str, str], folder: Path) -> AsyncIterator[Service]:
    """Run `notifier run` in a folder of its own (so that no .env is read) until the block ends."""
    log = folder / "service.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "notifier", "run"),
            cwd=folder,
            env=dict(settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the demo, which then stops the service in its own way.
            start_new_session=True,
        )
    service = Service(process, log)
    try:
        yield service
    finally:
        await asyncio.shield(service.stop())
