import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import OperationalError, connection

from clinic_site.accounts.password_requests import send_links
from clinic_site.messaging.worker import deliver_waiting


class Command(BaseCommand):
    help = "Sends waiting messages until stopped; with --once, sends what waits now and ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true")

    def handle(self, *, once: bool, **options: Any) -> None:
        if once:
            while deliver_waiting() + send_links():
                pass
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            try:
                tried = deliver_waiting() + send_links()
            except OperationalError:
                # The database is away: drop the dead connection and try again, because messages must survive a restart.
                connection.close()
                tried = 0
            if not tried:
                stop.wait(1.0)
