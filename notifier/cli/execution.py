"""How every command runs: settings first, then one coroutine; failures become one line and an exit status."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from notifier.errors import NotifierError, SettingsError, StoreUnusable

if TYPE_CHECKING:
    from notifier.settings import Settings
    from notifier.store import Store

FAILED = 1
WRONG = 2


def execute(command: "Callable[[Settings], Coroutine[Any, Any, int]]") -> NoReturn:
    """Load the settings, run the command, exit with its status. Nothing that a user can mend ends in a traceback."""
    from notifier.settings import load_settings

    finish(lambda: asyncio.run(command(load_settings())))


def finish(work: Callable[[], int]) -> NoReturn:
    """Do the work and exit with its status."""
    try:
        status = work()
    except SettingsError as error:
        for problem in error.problems:
            complain(f"{problem.variable}: {problem.message}")
        status = WRONG
    except StoreUnusable as error:
        complain(str(error))
        status = WRONG
    except NotifierError as error:
        complain(str(error))
        status = FAILED
    except BrokenPipeError:
        # Whoever read our output has seen enough: not a failure, and nothing may be written at exit any more.
        sys.stdout = None
        status = 0
    except KeyboardInterrupt:
        status = 130
    raise typer.Exit(status)


def beside(settings: "Settings") -> "AbstractAsyncContextManager[Store]":
    """The store, beside a service that may be running on it. Raises StoreUnusable."""
    from notifier.store import open_store

    return open_store(settings.database_url.get_secret_value(), exclusive=False)


def complain(line: str) -> None:
    """Say on standard error what is wrong."""
    typer.echo(f"notifier: {line}", err=True)
