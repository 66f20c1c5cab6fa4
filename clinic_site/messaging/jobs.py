"""What the worker does besides sending the outbox. Apps add their own in `ready()`."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Job:
    """`run` does what is due and returns how much that was; at most every `seconds`."""

    run: Callable[[], int]
    seconds: float
    _next: float = field(default=0.0, compare=False)

    def run_if_due(self, now: float) -> int:
        if now < self._next:
            return 0
        self._next = now + self.seconds
        return self.run()


jobs: list[Job] = []


def run_jobs() -> int:
    """Runs what is due and returns how much was done, so that 0 means that there was nothing."""
    now = time.monotonic()
    return sum(job.run_if_due(now) for job in jobs)
