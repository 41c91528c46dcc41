"""A PgBouncer of our own before a PostgreSQL, in transaction mode: each transaction may be on another connection."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.postgres import PASSWORD, REQUIRED, ROLE, Server, as_postgres, free_port

POOL = 3
"""Connections to the server, for however many clients: fewer than one worker has threads."""


def program() -> str:
    """Where PgBouncer is installed; Debian keeps it off the path of those who are not root."""
    found = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is not None:
        return found
    missing = "PgBouncer is not installed (Debian: apt-get install pgbouncer): transaction pooling is NOT tested"
    if os.environ.get(REQUIRED):
        pytest.fail(missing)
    pytest.skip(missing)


@contextmanager
def pooling(server: Server) -> Iterator[int]:
    """The port of a PgBouncer before a server, until the end of the block."""
    with TemporaryDirectory(prefix="notifier-pgbouncer-") as name:
        folder, port = Path(name), free_port()
        (folder / "users").write_text(f'"{ROLE}" "{PASSWORD}"\n')
        (folder / "settings").write_text(_settings(folder, server.port, port))
        if os.geteuid() == 0:
            for each in (folder, *folder.iterdir()):
                shutil.chown(each, "postgres")
        with subprocess.Popen(
            [program(), folder / "settings"], stderr=subprocess.PIPE, text=True, **as_postgres()
        ) as process:
            try:
                _listens(process)
                yield port
            finally:
                process.kill()


def _listens(process: "subprocess.Popen[str]") -> None:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "process up" in line:
            return
    raise AssertionError("".join(said))


def _settings(folder: Path, behind: int, port: int) -> str:
    return f"""
[databases]
* = host=127.0.0.1 port={behind}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder / "users"}
pool_mode = transaction
default_pool_size = {POOL}
max_client_conn = 200
log_connections = 0
log_disconnections = 0
log_stats = 0
server_login_retry = 1
"""
