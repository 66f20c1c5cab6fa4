"""What the auditor's page reads: one page of the trail, and how many records were opened when."""

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDay, TruncHour

from clinic_site.accounts.models import Membership, User
from clinic_site.audit.catalogue import actions_of
from clinic_site.audit.chain import first_key_of
from clinic_site.audit.models import Actor, AuditEvent
from clinic_site.audit.sealing import LATEST_COMMIT

PAGE_SIZE = 50
_BY_HOUR_UP_TO = timedelta(days=3)


def visible_to(user: User) -> QuerySet[AuditEvent]:
    """Entries of the auditor's clinics, and those without one: of the installation, or of people who work there."""
    clinics = user.clinics_with("audit.read")
    people = Membership.objects.filter(clinic_id__in=clinics).values("user_id")
    no_clinic = Q(clinic=None) & (Q(user=None) | Q(user__in=people))
    return AuditEvent.objects.filter(Q(clinic_id__in=clinics) | no_clinic)


def between(events: QuerySet[AuditEvent], start: datetime, end: datetime) -> QuerySet[AuditEvent]:
    """Those from `start` up to, not including, `end`. Keys sort by time, so that an index finds them."""
    keys = Q(id__gte=first_key_of(start - LATEST_COMMIT), id__lt=first_key_of(end + LATEST_COMMIT))
    return events.filter(keys, recorded_at__gte=start, recorded_at__lt=end)


def filtered(events: QuerySet[AuditEvent], wanted: Mapping[str, Any], zone: tzinfo) -> QuerySet[AuditEvent]:
    """By what the form asks for; days are those of `zone`."""
    start, end = span(wanted, zone)
    events = between(events, start, end)
    if not wanted["patients"]:
        events = events.exclude(actor=Actor.PATIENT)
    if wanted["person"]:
        events = events.filter(user=wanted["person"])
    if wanted["action"]:
        events = events.filter(action=wanted["action"])
    if wanted["clinic"]:
        events = events.filter(clinic=wanted["clinic"])
    if wanted["reference"]:
        events = events.filter(Q(reference=wanted["reference"]) | Q(listed__contains=[wanted["reference"]]))
    return events


def span(wanted: Mapping[str, Any], zone: tzinfo) -> tuple[datetime, datetime]:
    """From the beginning of the first day to the end of the last."""
    start = datetime.combine(wanted["start"], time.min, zone)
    return start, datetime.combine(wanted["end"] + timedelta(days=1), time.min, zone)


@dataclass(frozen=True)
class Page:
    events: list[AuditEvent]
    next_before: uuid.UUID | None


def page_of(events: QuerySet[AuditEvent], *, before: uuid.UUID | None) -> Page:
    """The newest entries older than `before`; the same cost at any depth."""
    if before is not None:
        events = events.filter(id__lt=before)
    rows = list(events.select_related("user", "clinic").order_by("-id")[: PAGE_SIZE + 1])
    return Page(rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None)


@dataclass(frozen=True)
class Bar:
    """`height` of 100 is the highest."""

    label: str
    count: int
    x: int
    y: int
    height: int


@dataclass(frozen=True)
class Plot:
    bars: list[Bar]
    by_hour: bool
    width: int
    highest: int
    total: int


def plot_of(events: QuerySet[AuditEvent], wanted: Mapping[str, Any], zone: tzinfo) -> Plot:
    """Records opened by staff, by day, or by hour when few days are asked for."""
    start, end = span(wanted, zone)
    by_hour = end - start <= _BY_HOUR_UP_TO
    step = timedelta(hours=1) if by_hour else timedelta(days=1)
    unit = TruncHour("recorded_at", tzinfo=zone) if by_hour else TruncDay("recorded_at", tzinfo=zone)
    counted = events.filter(action__in=actions_of("look")).annotate(at=unit).order_by().values_list("at")
    counts: Counter[datetime] = Counter()
    for at, count in counted.annotate(Count("id")):
        counts[at.astimezone(zone).replace(tzinfo=None)] += count
    moment, moments = start.replace(tzinfo=None), []
    while moment < end.replace(tzinfo=None):
        moments.append(moment)
        moment += step
    highest = max(counts.values(), default=0)
    bars = []
    for number, moment in enumerate(moments):
        count = counts[moment]
        height = max(2, round(100 * count / highest)) if count else 0
        label = f"{moment:%b} {moment.day}" + (f", {moment:%H}:00" if by_hour else "")
        bars.append(Bar(label, count, number * 10 + 1, 100 - height, height))
    return Plot(bars, by_hour, len(bars) * 10, highest, sum(counts.values()))
