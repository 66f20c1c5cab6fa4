"""What one operation takes of a machine."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection


class Spent(NamedTuple):
    milliseconds: float
    cpu_milliseconds: float
    wal_kb: float


def spent_by(operation: Callable[[], Any]) -> Spent:
    wal, cpu, started = _wal_position(), _cpu_seconds(), time.perf_counter()
    operation()
    ended = time.perf_counter()
    return Spent(1000 * (ended - started), 1000 * (_cpu_seconds() - cpu), (_wal_position() - wal) / 1024)


def _cpu_seconds() -> float:
    """Of this process and of the one that serves its connection. Other work on a busy machine does not count.

    The second is left out where the database runs elsewhere: for an operation and its reference alike.
    """
    schedule = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    try:
        nanoseconds = int(schedule.read_text(encoding="ascii").split()[0])
    except OSError:
        nanoseconds = 0
    return time.process_time() + nanoseconds / 1e9


def _wal_position() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")
        return int(cursor.fetchone()[0])
