"""Whose data were opened in a span of time, and which: what a notification after a breach needs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from clinic_site.accounts.models import User
from clinic_site.audit.chain import first_key_of
from clinic_site.audit.sealing import LATEST_COMMIT

# One pass over the entries of the span; a list counts for every record of which it showed a line.
_AFFECTED = """
    SELECT record, clinic_id, data, min(recorded_at), max(recorded_at), count(*)
    FROM (
        SELECT unnest(CASE WHEN reference = '' THEN listed ELSE ARRAY[reference] END) AS record,
            clinic_id, data, recorded_at
        FROM audit_auditevent
        WHERE id >= %(first)s AND id < %(last)s AND recorded_at >= %(start)s AND recorded_at < %(end)s
            AND actor = 'staff' AND data <> '{}' AND (%(user)s::uuid IS NULL OR user_id = %(user)s)
    ) AS opened
    GROUP BY record, clinic_id, data
"""


@dataclass
class Affected:
    """One person's record: which classes of data, how often, and between when."""

    reference: str
    clinic_id: UUID | None
    data: set[str]
    first: datetime
    last: datetime
    times: int


def affected(*, start: datetime, end: datetime, actor: User | None = None) -> list[Affected]:
    """Every record of which staff opened anything from `start` up to, not including, `end`; by reference."""
    found: dict[str, Affected] = {}
    parameters: dict[str, Any] = {
        "first": first_key_of(start - LATEST_COMMIT),
        "last": first_key_of(end + LATEST_COMMIT + timedelta(milliseconds=1)),
        "start": start,
        "end": end,
        "user": actor.id if actor else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_AFFECTED, parameters)
        for reference, clinic_id, data, first, last, times in cursor.fetchall():
            record = found.setdefault(reference, Affected(reference, clinic_id, set(), first, last, 0))
            record.data |= set(data)
            record.clinic_id = record.clinic_id or clinic_id
            record.first, record.last = min(record.first, first), max(record.last, last)
            record.times += times
    return sorted(found.values(), key=lambda record: record.reference)
