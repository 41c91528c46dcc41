"""`make soak`: SOAK_SECONDS (600) and SOAK_SEED say how long and which; exit status 1 where a promise was broken."""

import asyncio
import os
import sys
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from rich.console import Console

from soak.run import Outcome, Soak, soak
from tests.postgres import binaries, serving

SECONDS, JOBS = 600.0, 500


def main() -> int:
    """Soak, print the figures, and list what was broken."""
    console = Console(highlight=False)
    if binaries() is None:
        console.print("PostgreSQL is not installed (Debian: apt-get install postgresql): nothing to soak on.")
        return 2
    seconds, seed = float(os.environ.get("SOAK_SECONDS") or SECONDS), int(os.environ.get("SOAK_SEED") or 1)
    what = Soak(seed, seconds, jobs=max(20, min(JOBS, round(JOBS * seconds / SECONDS))))
    folder = Path(mkdtemp(prefix="notifier-soak-"))
    console.print(f"{what.jobs} tuning jobs for {seconds:g} s, then until all is told. Logs: {folder}", soft_wrap=True)
    with serving() as server:
        outcome: Outcome = asyncio.run(soak(what, server, folder))
    console.print(outcome.figures, soft_wrap=True)
    for violation in outcome.violations:
        console.print(violation, style="red", markup=False, soft_wrap=True)
    if outcome.violations:
        console.print(f"{len(outcome.violations)} broken; the logs stay in {folder}", soft_wrap=True)
        return 1
    console.print("Every promise was kept.")
    rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
