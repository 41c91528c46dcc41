"""Fencing: a worker whose lease went to another can change nothing any more, however late it notices."""

from sqlalchemy import Connection, select

from notifier.errors import LeaseLost
from notifier.model import Lease
from notifier.store.schema import leases


def fence(connection: Connection, lease: Lease | None) -> None:
    """Go on only while the lease is held, and let nobody take it before this transaction ends; else LeaseLost.

    None: nothing of this transaction is one worker's alone.
    """
    if lease is None:
        return
    held = select(leases.c.token).where(
        leases.c.duty == lease.duty, leases.c.worker == lease.worker, leases.c.token == lease.token
    )
    # FOR SHARE: taking the lease over waits for, or passes by, whoever commits under it.
    if connection.execute(held.with_for_update(read=True)).first() is None:
        raise LeaseLost(f"another worker took over: {lease.duty}")
