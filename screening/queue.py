"""The queue: most severe first, then longest waiting, in pages that cost the same at any depth."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import DateTimeField, F, Func, IntegerField, QuerySet
from django.db.models.lookups import GreaterThan, LessThan
from django.utils.dateparse import parse_datetime

from clinic_site.accounts.models import User
from clinic_site.records.composed import ComposedWithin, Given
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


_LISTED = (
    "clinic_id",
    "reference",
    "status",
    "severity",
    "rule_ids",
    "holds",
    "opened_at",
    "submitted_at",
    "closed_at",
)
_OPEN = Case.objects.exclude(status=CaseStatus.DECIDED)
_QUERIES = {
    "open": _OPEN,
    "mine": _OPEN.filter(owner_id=Given("user")),
    "done": Case.objects.filter(status=CaseStatus.DECIDED),
}
VIEWS = tuple(_QUERIES)


def _ordered(view: str) -> QuerySet[Case]:
    cases = _QUERIES[view].select_related("owner").only(*_LISTED, "owner__name").with_second_wanted()
    return cases.order_by(*(("-closed_at", "-id") if view == "done" else ("least_severe", "opened_at", "id")))


def _after(view: str) -> QuerySet[Case]:
    moment, last = Given("moment", DateTimeField()), Given("last")
    if view == "done":
        return _ordered(view).filter(LessThan(_Row(F("closed_at"), F("id")), _Row(moment, last)))
    place = _Row(Given("rank", IntegerField()), moment, last)
    return _ordered(view).filter(GreaterThan(_Row(F("least_severe"), F("opened_at"), F("id")), place))


_FIRST_PAGE = {view: ComposedWithin(_ordered(view), most=PAGE_SIZE + 1) for view in VIEWS}
_PAGE_AFTER = {view: ComposedWithin(_after(view), most=PAGE_SIZE + 1) for view in VIEWS}
_COUNTED = {view: ComposedWithin(cases.only("id"), most=_MOST_COUNTED + 1) for view, cases in _QUERIES.items()}


def queue_page(user: User, *, view: str, after: str = "") -> QueuePage:
    """One page of the cases of the user's clinics.

    `after` is the cursor of the page before; a foreign one gives the first page.
    """
    clinics, values = user.clinics_with("case.list"), {"user": user.id, **_place(after)}
    page = _PAGE_AFTER if "last" in values else _FIRST_PAGE
    total = _COUNTED[view].count(clinics, **values)
    rows = page[view].rows(clinics, **values)
    cursor = _cursor(rows[PAGE_SIZE - 1], view) if len(rows) > PAGE_SIZE else ""
    return QueuePage(rows[:PAGE_SIZE], cursor, total)


def _cursor(case: Case, view: str) -> str:
    moment = case.closed_at if view == "done" else case.opened_at
    return signing.dumps([case.severity, moment.isoformat() if moment else "", str(case.id)], salt="queue")


def _place(cursor: str) -> dict[str, Any]:
    """The place in the queue after which a page begins; empty for a cursor that is not ours."""
    try:
        severity, moment, key = signing.loads(cursor, salt="queue")
    except (signing.BadSignature, ValueError):
        return {}
    return {"rank": -severity, "moment": parse_datetime(moment), "last": uuid.UUID(key)}
