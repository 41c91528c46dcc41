"""The command line: what people type. Exit status 0 done, 1 it failed, 2 the usage or the settings are wrong."""

from typing import Annotated

import typer

from notifier import __version__
from notifier.cli.check import check
from notifier.cli.demo import demo, simulate
from notifier.cli.describe import describe
from notifier.cli.explain import explain
from notifier.cli.jobs import jobs
from notifier.cli.outbox import outbox
from notifier.cli.run import run
from notifier.cli.settings import settings
from notifier.cli.silence import silence

cli = typer.Typer(
    name="notifier",
    help="Watch SageMaker tuning jobs; tell Slack and webhooks what happened.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"notifier {__version__}")
        raise typer.Exit


@cli.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Watch SageMaker tuning jobs; tell Slack and webhooks what happened."""


for command in (run, demo, check, describe, explain, jobs, simulate, settings):
    cli.command()(command)
cli.add_typer(outbox, name="outbox")
cli.add_typer(silence, name="silence")


def main() -> None:
    """Run the command that the arguments name."""
    cli()
