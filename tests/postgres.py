"""A PostgreSQL of our own: a real server on loopback, in a folder that goes with it."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROLE, PASSWORD = "notifier", "s3cret-of-the-tests"
REQUIRED = "TESTS_NEED_POSTGRES"
"""Where this is set, as the project's check does, a missing server is a failure and not a skip. No name of ours: the
service would refuse it as a setting that it does not know."""


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs; Debian keeps those of the server off the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


@dataclass(frozen=True, slots=True)
class Server:
    """A server that can be stopped and started again, as a failover or a restart does."""

    programs: Path
    folder: Path
    port: int

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.folder / "data"

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://{ROLE}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        # Nothing here has to survive the machine: what the tests kill are processes.
        fast = "-c fsync=off -c full_page_writes=off -c max_connections=200"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-l", log, "-o", f"{options} {fast}", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `immediate` is a crash, `fast` ends all sessions in good order."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-m", mode, "stop")

    def create(self, database: str) -> str:
        """Make a new database; its URL."""
        self.sql(f'CREATE DATABASE "{database}" OWNER {ROLE}')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drop a database, whoever uses it."""
        self.sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement as the superuser; what it says."""
        where = ("-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-d", database)
        return self._run("psql", *where, "-v", "ON_ERROR_STOP=1", "-Atqc", statement)

    def make(self) -> None:
        """Make its data directory and its role."""
        secured = ("-U", "postgres", "-A", "scram-sha-256", "--pwfile", str(self._password()))
        self._run("initdb", "-D", str(self.data), "-E", "UTF8", *secured)

    def _password(self) -> Path:
        file = self.folder / "password"
        file.write_text(PASSWORD)
        file.chmod(0o644)
        return file

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [self.programs / program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD, "LC_ALL": "C.UTF-8"},
            **as_postgres(),
        )
        assert done.returncode == 0, f"{program}: {done.stderr}{done.stdout}"
        said: str = done.stdout
        return said.strip()


@contextmanager
def serving() -> Iterator[Server]:
    """A server until the end of the block. Its programs must be installed."""
    programs = binaries()
    assert programs is not None
    # Not below the tests' own folders: PostgreSQL runs as another user there, who may not enter them.
    with TemporaryDirectory(prefix="notifier-postgres-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        server = Server(programs, folder, free_port())
        server.make()
        server.start()
        try:
            server.sql(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
            yield server
        finally:
            server.stop()


def as_postgres() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": "postgres"} if os.geteuid() == 0 else {}


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
