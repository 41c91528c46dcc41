"""Whether a database lies on a disk that dies with its container."""

from pathlib import Path

import pytest

from notifier.store.disk import fleeting

MOUNTS = """\
22 1 0:21 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b
23 22 0:22 / /tmp rw - tmpfs tmpfs rw
24 22 259:1 / /data rw shared:1 master:2 - ext4 /dev/nvme1n1 rw
25 22 0:40 / /mnt/with\\040blank rw - nfs4 server:/ rw
26 23 0:23 / /tmp rw - ext4 /dev/later rw
"""


@pytest.mark.parametrize(
    ("file", "lies_on"),
    [
        pytest.param("/app/notifier.db", "the container's own layer", id="in-the-container"),
        pytest.param("/data/notifier.db", None, id="on-a-volume"),
        pytest.param("/database/notifier.db", "the container's own layer", id="beside-a-volume-of-a-like-name"),
        pytest.param("/mnt/with blank/notifier.db", None, id="a-mount-with-a-blank-in-its-name"),
        pytest.param("/tmp/notifier.db", None, id="a-later-mount-hides-an-earlier-one"),  # noqa: S108
    ],
)
def test_says_what_a_file_lies_on_where_that_is_lost(tmp_path: Path, file: str, lies_on: str | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)

    assert fleeting(Path(file), mounts) == lies_on


def test_where_nobody_can_say_nothing_is_said(tmp_path: Path) -> None:
    assert fleeting(tmp_path / "notifier.db", tmp_path / "no-such-file") is None
