import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection
from django.utils.module_loading import import_string

_TICK_SECONDS = 1.0


class Command(BaseCommand):
    help = "Sends messages, seals the audit trail and tidies up, until stopped; with --once, what is due now, and ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true")

    def handle(self, *, once: bool, **options: Any) -> None:
        jobs = {import_string(name): seconds for name, seconds in settings.WORKER_JOBS.items()}
        if once:
            for job in jobs:
                while job():
                    pass
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        due = dict.fromkeys(jobs, 0.0)
        while not stop.is_set():
            busy = False
            for job, seconds in jobs.items():
                if time.monotonic() >= due[job] and not stop.is_set():
                    did = _done(job)
                    busy = busy or bool(did)
                    due[job] = 0.0 if did else time.monotonic() + seconds
            if not busy:
                stop.wait(_TICK_SECONDS)


def _done(job: Callable[[], int]) -> int:
    """How much the job did.

    When the database is away the dead connection is dropped and it is tried again, because what waits must survive a
    restart.
    """
    try:
        return job()
    except (OperationalError, InterfaceError):
        connection.close()
        return 0
