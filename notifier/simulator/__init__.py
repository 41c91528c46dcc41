"""Everything around the service, on this machine: a simulated SageMaker, an inbox for messages, and a demo."""

from notifier.simulator.account import Account
from notifier.simulator.demo import DemoOptions, run_demo
from notifier.simulator.inbox import Inbox
from notifier.simulator.job import SimulatedJob
from notifier.simulator.runs import Run, load_runs
from notifier.simulator.sagemaker import Quirks, SageMaker
from notifier.simulator.standalone import SimulatorOptions, run_simulator

__all__ = [
    "Account",
    "DemoOptions",
    "Inbox",
    "Quirks",
    "Run",
    "SageMaker",
    "SimulatedJob",
    "SimulatorOptions",
    "load_runs",
    "run_demo",
    "run_simulator",
]
