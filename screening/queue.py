"""The queue: most severe first, then longest waiting, in pages that cost the same at any depth."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.core import signing
from django.db.models import DateTimeField, F, Func, IntegerField, QuerySet, UUIDField, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.utils.dateparse import parse_datetime

from clinic_site.accounts.models import User
from screening.models import Case, CaseStatus

PAGE_SIZE = 25
_MOST_COUNTED = 1000


class _Row(Func):
    """A row value, so that a place in the queue is one comparison that an index answers."""

    template = "(%(expressions)s)"
    output_field = IntegerField()


@dataclass(frozen=True)
class QueuePage:
    cases: list[Case]
    next_cursor: str
    total: int

    @property
    def total_label(self) -> str:
        return f"{self.total}" if self.total <= _MOST_COUNTED else f"more than {_MOST_COUNTED}"


VIEWS = ("open", "mine", "done")


def queue_page(user: User, *, view: str, after: str = "") -> QueuePage:
    """One page of the cases of the user's clinics.

    `after` is the cursor of the page before; a foreign one gives the first page.
    """
    cases = Case.objects.for_user(user, "case.list").select_related("owner")
    if view == "done":
        cases = cases.filter(status=CaseStatus.DECIDED)
        ordered = cases.order_by("-closed_at", "-id")
    else:
        cases = cases.exclude(status=CaseStatus.DECIDED)
        if view == "mine":
            cases = cases.filter(owner=user)
        ordered = cases.order_by("least_severe", "opened_at", "id")
    total = cases[: _MOST_COUNTED + 1].count()
    rows = list(_after(ordered.with_second_wanted(), view, after)[: PAGE_SIZE + 1])
    cursor = _cursor(rows[PAGE_SIZE - 1], view) if len(rows) > PAGE_SIZE else ""
    return QueuePage(rows[:PAGE_SIZE], cursor, total)


def _cursor(case: Case, view: str) -> str:
    moment = case.closed_at if view == "done" else case.opened_at
    return signing.dumps([case.severity, moment.isoformat() if moment else "", str(case.id)], salt="queue")


def _after(cases: QuerySet[Case], view: str, cursor: str) -> QuerySet[Case]:
    if not cursor:
        return cases
    try:
        severity, moment, key = signing.loads(cursor, salt="queue")
    except (signing.BadSignature, ValueError):
        return cases
    at: datetime | None = parse_datetime(moment)
    time, last = Value(at, output_field=DateTimeField()), Value(uuid.UUID(key), output_field=UUIDField())
    if view == "done":
        return cases.filter(LessThan(_Row(F("closed_at"), F("id")), _Row(time, last)))
    rank = Value(-severity, output_field=IntegerField())
    return cases.filter(GreaterThan(_Row(F("least_severe"), F("opened_at"), F("id")), _Row(rank, time, last)))
