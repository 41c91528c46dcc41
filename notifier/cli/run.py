"""`notifier run`: the service."""

import asyncio
import gc
import sys

from notifier.cli.execution import finish


def run() -> None:
    """Watch, and tell what happens, until SIGTERM or SIGINT. Configured by NOTIFIER_… variables alone."""
    finish(_serve)


def _serve() -> int:
    # What is imported never becomes garbage. To look through it takes a tenth of the start, and would for ever after.
    gc.disable()
    from notifier import app
    from notifier.settings import load_settings
    from notifier.telemetry import configure_logging

    gc.freeze()
    gc.enable()
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format, sys.stderr, settings.secrets())
    return asyncio.run(app.run(settings))
