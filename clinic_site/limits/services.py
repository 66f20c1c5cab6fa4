"""How often something may be done, counted in the database, so that every worker counts together."""

from datetime import timedelta

from django.db import connection
from django.utils import timezone
from django.utils.crypto import salted_hmac

from clinic_site.limits.addresses import network_of
from clinic_site.limits.models import Counter

__all__ = ["count_use", "forget", "forget_ended", "is_within", "network_of"]

_COUNT = f"""
    INSERT INTO {Counter._meta.db_table} AS c (digest, count, ends_at) VALUES (%s, %s, %s)
    ON CONFLICT (digest) DO UPDATE SET
        count = CASE WHEN c.ends_at <= %s THEN 0 ELSE c.count END + EXCLUDED.count,
        ends_at = CASE WHEN c.ends_at <= %s THEN EXCLUDED.ends_at ELSE c.ends_at END
    RETURNING count
"""  # noqa: S608 - the name of a table, no input


def count_use(what: str, subject: str, *, window: timedelta, uses: int = 1) -> int:
    """Counts `uses` of `what` by `subject` and returns how many there are in the window that is running.

    A window begins with the first use after the last one ended. `uses=0` only looks.
    """
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [_digest(what, subject), uses, now + window, now, now])
        return int(cursor.fetchone()[0])


def is_within(what: str, subject: str, *, limit: int, window: timedelta) -> bool:
    """Counts one use and says whether it is still allowed: true for the first `limit` in a window."""
    return count_use(what, subject, window=window) <= limit


def forget(what: str, subject: str) -> None:
    """Starts the count anew, as after a success."""
    Counter.objects.filter(digest=_digest(what, subject)).delete()


def forget_ended() -> int:
    """Removes counters whose window is over. Returns how many."""
    return Counter.objects.filter(ends_at__lt=timezone.now()).delete()[0]


def _digest(what: str, subject: str) -> bytes:
    return salted_hmac(f"limits.{what}", subject, algorithm="sha256").digest()
