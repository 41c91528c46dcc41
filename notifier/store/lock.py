"""One `run` on one file: a lock of the operating system, which dies with its process and so is never stale."""

import fcntl
import os
from pathlib import Path

from notifier.errors import StoreUnusable


class RunLock:
    """The lock on `<database>.lock`. The pid inside is only for the message; the lock itself is the truth."""

    def __init__(self, database: Path) -> None:
        # Through another symbolic link it is the same database, so it must be the same lock.
        resolved = database.resolve()
        self.path = resolved.with_name(resolved.name + ".lock")
        self._database = database
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock or raise StoreUnusable; never waits."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreUnusable(
                f"cannot write {self.path}: {error.strerror}; the directory must be one that this user may write"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            who = _holder(descriptor)
            os.close(descriptor)
            raise StoreUnusable(self._refusal(error, who)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go. The file stays: removing it would let two processes lock two files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> str | None:
        """Who holds it now, in words; None: nobody, as far as this user can tell. Makes nothing, and never waits."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            # Nothing asks for a lock without taking it: shared, so that two who ask do not see each other.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return None

    def _refusal(self, error: OSError, who: str) -> str:
        if not isinstance(error, BlockingIOError):
            return f"cannot lock {self.path}: {error.strerror}; the file system must support flock"
        return f"{who} already runs on {self._database} (lock: {self.path}); stop it, or use another database"


def _holder(descriptor: int) -> str:
    written = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    return f"process {written}" if written.isdigit() else "another process"
