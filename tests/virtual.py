"""Virtual time: an event loop whose clock stands still while anything happens, and jumps while everything waits.

A day of waiting takes milliseconds, and every run is the same. What threads do (the store) and what sockets of this
process bring is waited for in real time, during which the virtual clock stands still. For what another process brings
it would not: whoever waits for that takes the ordinary loop.
"""

import asyncio
import functools
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, ParamSpec, cast

P = ParamSpec("P")

BOUND = 60.0
"""Real seconds after which a test hangs."""
_TURN = 0.05
"""Real seconds of waiting for threads, until it is asked whether the test hangs."""
_GRACE = 0.002
"""Real seconds in which what was written to a socket of ours has arrived."""


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an asynchronous test on virtual time. It can have no asynchronous fixture: those have a loop of their own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with running() as runner:
            runner.run(test(*args, **kwargs))

    return run


@contextmanager
def running() -> Iterator[asyncio.Runner]:
    """A runner on virtual time, for what is no single coroutine: between two runs time stands still."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner, _counted(cast(VirtualLoop, runner.get_loop())):
        yield runner


def now() -> float:
    """Virtual seconds since the test began."""
    return asyncio.get_running_loop().time()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time begins at 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self.busy = 0
        """Calls in threads whose results have not come yet."""
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Virtual seconds."""
        return self.now


class _Selector(selectors.DefaultSelector):
    """Instead of waiting it moves the loop's time on, unless something comes before."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop
        self._ends = time.monotonic() + BOUND

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        while True:
            if events := super().select(self._patience(timeout)):
                return events
            if time.monotonic() > self._ends:
                self._ends += BOUND
                raise TimeoutError(f"the test hangs at {self._loop.now:.3f} virtual seconds")
            if timeout is not None and not self._loop.busy:
                self._loop.now += timeout
                return []

    def _patience(self, timeout: float | None) -> float:
        if self._loop.busy or timeout is None:
            return _TURN
        # One is the loop's own, by which threads wake it.
        sockets = cast(Mapping[object, object], self.get_map())
        return _GRACE if len(sockets) > 1 else 0.0


@contextmanager
def _counted(loop: VirtualLoop) -> Iterator[None]:
    """Let the loop know of all that is under way in threads."""
    submit = ThreadPoolExecutor.submit

    def done(_: "Future[Any]") -> None:
        # A thread that was given up may end after the loop.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(ended)

    def ended() -> None:
        loop.busy -= 1

    def counted(self: ThreadPoolExecutor, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future = submit(self, work, *args, **kwargs)
        loop.busy += 1
        # In the next turn: by then whoever called has asked for the result, and hears of it before it counts as ended.
        loop.call_soon_threadsafe(future.add_done_callback, done)
        return future

    ThreadPoolExecutor.submit = counted  # type: ignore[assignment]
    try:
        yield
    finally:
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
