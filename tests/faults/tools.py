"""What the tests of faults need of the machine, and what becomes of them where it is not there."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REQUIRED = "TESTS_NEED_FAULTS"
"""Where this is set, as the project's check does, a missing tool is a failure and not a skip."""


def missing(what: str, untested: str) -> None:
    """A tool is not installed: loudly skip what needs it, or fail where it had to be."""
    text = f"{what} is not installed (Debian: apt-get install {what}): {untested} NOT tested"
    if os.environ.get(REQUIRED):
        pytest.fail(text)
    pytest.skip(text)


def forbidden(what: str, untested: str) -> None:
    """This machine does not allow it, which nobody can install: skip it loudly."""
    pytest.skip(f"this machine does not allow {what}: {untested} NOT tested")


def strace() -> str:
    """The path of a strace that may trace here and can make system calls fail."""
    untested = "what a kill or an error at each single write does is"
    found = shutil.which("strace")
    if found is None:
        missing("strace", untested)
    trial = [str(found), "-qq", "-o", os.devnull, "-e", "inject=fdatasync:error=EIO:when=1..2", "true"]
    if subprocess.run(trial, check=False, capture_output=True, timeout=20).returncode != 0:
        forbidden("ptrace, or its strace is older than 5.15", untested)
    return str(found)


def faketime() -> str:
    """The library that fakes the clocks of whatever is started with it."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        missing("faketime", "clocks that are set while the service runs are")
    return str(found[0])
