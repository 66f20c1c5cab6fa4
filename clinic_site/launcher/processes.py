"""Child processes and the signals that stop them: Ctrl-C, SIGTERM, and SIGHUP when the terminal closes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TextIO

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SECONDS_TO_STOP = 15.0


class Stopped(BaseException):
    """A signal asked this process to stop. Not an Exception, so that only the clean-up on the way out sees it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def raise_on_stop_signals() -> None:
    """Turns the first stop signal into Stopped. Later ones are dropped: the clean-up has time limits."""
    for number in STOP_SIGNALS:
        signal.signal(number, _raise_stopped)


def _raise_stopped(number: int, _frame: FrameType | None) -> None:
    for other in STOP_SIGNALS:
        signal.signal(other, _drop)
    raise Stopped(number)


def _drop(_number: int, _frame: FrameType | None) -> None:
    """A handler rather than SIG_IGN, which children would inherit."""


@contextmanager
def stop_signals_held() -> Iterator[None]:
    """Puts stop signals off until the end of the block: half a server start can neither be used nor stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    previous = {number: signal.signal(number, lambda number, _frame: held.append(number)) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])


def run_in_foreground(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs a command that owns the terminal; returns its exit code, or 128 + n when signal n ended it."""
    with subprocess.Popen(command, env=environment) as child:
        previous = signal.getsignal(signal.SIGINT)
        if sys.stdin.isatty():
            # The terminal sends Ctrl-C to the child as well, and what it means there is for the child to say.
            signal.signal(signal.SIGINT, _drop)
        try:
            code = child.wait()
        except Stopped:
            # As an interrupt, so that pytest closes its browsers and drops its databases.
            child.send_signal(signal.SIGINT)
            try:
                child.wait(_SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                child.kill()
            raise
        finally:
            signal.signal(signal.SIGINT, previous)
    return code if code >= 0 else 128 - code


def start_in_own_group(
    command: Sequence[str], environment: Mapping[str, str], *, quiet: bool = False, log: TextIO | None = None
) -> subprocess.Popen[str]:
    """Starts a child that Ctrl-C in the terminal does not reach, so that `stop_group` ends children in our order.

    `quiet` keeps what it writes for `communicate`; with a `log` it goes there.
    """
    output = subprocess.PIPE if quiet else log
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if quiet or log else None,
        text=True,
        start_new_session=True,
    )


def stop_group(child: subprocess.Popen[str]) -> None:
    """Ends a child of `start_in_own_group` with everything it started, by force after 15 seconds."""
    _signal_group(child, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(_SECONDS_TO_STOP)
    # Also after a clean end: a grandchild may have outlived its parent.
    _signal_group(child, signal.SIGKILL)
    child.wait()


def _signal_group(child: subprocess.Popen[str], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def wait_until(deadline_seconds: float, *, every: float = 0.05) -> Iterator[None]:
    """Yields at once and then every 50 ms until the time is up, for `for` loops that poll."""
    end = time.monotonic() + deadline_seconds
    yield
    while time.monotonic() < end:
        time.sleep(every)
        yield
