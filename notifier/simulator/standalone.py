"""The simulated SageMaker alone, for one's own tests."""

import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from notifier.simulator.account import Account
from notifier.simulator.interruption import interruptions
from notifier.simulator.loopback import serving
from notifier.simulator.sagemaker import Quirks, SageMaker
from notifier.simulator.story import HISTORY, QUIET, SCENES, background, story


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """What is simulated. The story begins `delay` seconds after the start and lasts `seconds`.

    `history` jobs ended long ago, `quiet` ones run and say nothing, `jobs` play the story. `speed` is recorded seconds
    in a second; None fits each run to its scene.
    """

    host: str = "127.0.0.1"
    port: int = 4567
    jobs: int = len(SCENES)
    history: int = HISTORY
    quiet: int = QUIET
    seconds: float = 600.0
    delay: float = 15.0
    speed: float | None = None
    seed: int = 1
    quirks: Quirks = field(default_factory=Quirks)


async def run_simulator(options: SimulatorOptions | None = None, console: Console | None = None) -> int:
    """Serve until SIGINT or SIGTERM, then 0. Raises AddressUnusable where it cannot have its port."""
    options, console = options or SimulatorOptions(), console or Console(highlight=False)
    sagemaker = SageMaker(simulated_account(options, time.time()), quirks=options.quirks, seed=options.seed)
    with interruptions() as interrupted:
        async with serving(sagemaker.app(), options.host, options.port) as address:
            _introduce(console, address, sagemaker.account)
            await interrupted.wait()
    return 0


def simulated_account(options: SimulatorOptions, now: float) -> Account:
    """The account as ordered, seen from its first moment (epoch seconds)."""
    before = background(now, options.seed, ended=options.history, silent=options.quiet)
    begins = now + options.delay
    jobs = story(begins, options.seconds, jobs=options.jobs, seed=options.seed, speed=options.speed)
    return Account((*before, *jobs))


def _introduce(console: Console, address: str, account: Account) -> None:
    console.print(Text(f"A simulated SageMaker listens at {address}. Point a service at it:\n", "bold"))
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_DEFAULT_REGION": account.region,
        "AWS_ACCESS_KEY_ID": "simulated",
        "AWS_SECRET_ACCESS_KEY": "simulated",
    }.items():
        console.print(Text(f"  export {name}={value}"), soft_wrap=True)
    console.print(Text(f"  notifier run\n\nCounts of calls: {address}/__calls\nCtrl-C ends it."))
