"""The service under strace: a system call that never returns, or that fails."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

WRITES = "pwrite64,fdatasync"
"""What SQLite does to the database and its log; each is counted by itself."""
SPEAKS = "sendto,recvfrom"
"""What is said to SageMaker and to the receivers, and what they answer."""


@dataclass(frozen=True, slots=True)
class Tracer:
    """Starts programs under strace, as themselves: their process is the one that was started."""

    strace: str

    def kills(self, call: str, number: int, *files: Path) -> list[str]:
        """What to start a program under that is killed at the entry to this system call's so-manieth."""
        # Without the fast way of strace: a signal is lost in it.
        return self._injects(f"{call}:signal=KILL:when={number}", *files)

    def fails(self, calls: str, error: str, when: str, *files: Path) -> list[str]:
        """What to start a program under whose system calls on these files fail with this error."""
        return self._injects(f"{calls}:error={error}:when={when}", *files, fast=True)

    def _injects(self, injection: str, *files: Path, fast: bool = False) -> list[str]:
        paths = [word for file in files for word in ("-P", str(file))]
        quiet = ["-qq", "-o", "/dev/null", "-e", "signal=none"]
        quickly = ["--seccomp-bpf"] if fast else []
        what = ["-e", f"trace={injection.partition(':')[0]}", "-e", f"inject={injection}"]
        return [self.strace, "-D", "-f", *quickly, *quiet, *paths, *what]


@dataclass(frozen=True, slots=True)
class Remains:
    """What a process left behind in its database."""

    sound: str
    """What SQLite says of the file: `ok`."""
    under_way: frozenset[str]
    """Ids of events that were being sent: they may have arrived."""
    settled: frozenset[str]
    known_but_not_owed: frozenset[str]
    """Jobs whose ending is remembered, and announced to nobody."""
    owed_but_not_known: frozenset[str]
    """Jobs whose ending is announced, and not remembered."""


_ENDINGS = (
    "SELECT notifier_events.job_key FROM notifier_events JOIN notifier_outbox ON event_id = id"
    " WHERE type = 'tuning_job.status_changed'"
)
_ENDED = "SELECT key FROM notifier_jobs WHERE told AND status = 'Completed'"


def remains(file: Path) -> Remains:
    """Look at a copy, so that what is left for the next process stays as it is."""
    with TemporaryDirectory() as name:
        for each in (file, file.with_name(f"{file.name}-wal")):
            if each.exists():
                copy(each, name)
        with closing(sqlite3.connect(Path(name) / file.name)) as database:
            return _look(database)


def _look(database: sqlite3.Connection) -> Remains:
    def first(query: str) -> frozenset[str]:
        return frozenset(str(row[0]) for row in database.execute(query))

    (sound,) = first("PRAGMA integrity_check")
    if "notifier_outbox" not in first("SELECT name FROM sqlite_master"):
        return Remains(sound, *[frozenset()] * 4)
    under_way, settled = (
        first(f"SELECT event_id FROM notifier_outbox WHERE state = '{state}'")  # noqa: S608 - two words of ours
        for state in ("sending", "settled")
    )
    known, owed = first(_ENDED), first(_ENDINGS)
    return Remains(sound, under_way, settled, known - owed, owed - known)
