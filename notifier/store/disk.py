"""Whether a file lies on a disk that dies with its container, or with the machine's memory."""

from collections.abc import Iterable
from pathlib import Path

_FLEETING = {
    "overlay": "the container's own layer",
    "aufs": "the container's own layer",
    "tmpfs": "memory",
    "ramfs": "memory",
}
MOUNTS = Path("/proc/self/mountinfo")


def fleeting(file: Path, mounts: Path = MOUNTS) -> str | None:
    """What the file lies on if that is lost with the container or the machine; None where it lasts, or nobody knows."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return None  # Not Linux: no container either.
    return _FLEETING.get(_filesystem(file.absolute(), lines))


def _filesystem(file: Path, lines: Iterable[str]) -> str:
    """The type of the filesystem mounted nearest above the file (proc(5), mountinfo: fields 5 and, after a dash, 9)."""
    nearest, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        where = Path(before.split()[4].encode().decode("unicode_escape"))
        # A later mount on the same place hides the earlier one.
        if file.is_relative_to(where) and len(where.parts) >= nearest:
            nearest, kind = len(where.parts), after.split()[0]
    return kind
