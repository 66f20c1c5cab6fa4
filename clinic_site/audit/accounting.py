"""Who at the clinic looked at one person's record: what the person may ask for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from clinic_site.accounts.permissions import roles
from clinic_site.audit.catalogue import catalogue
from clinic_site.audit.models import Actor, AuditEvent

# 45 CFR 164.528 and 42 CFR 2.25 let the person ask about the last three years of electronic records.
YEARS = 3


@dataclass(frozen=True)
class Look:
    """What people of one role did on one day, so often. `who` is a role, or a name where names were asked for."""

    day: date
    who: str
    what: str
    times: int


def who_looked(reference: str, *, zone: tzinfo, names: bool = False) -> list[Look]:
    """Newest first. By role and not by name: the list may be read by somebody who stands beside the person."""
    who = "user__name" if names else "role"
    rows = (
        _events(reference)
        .annotate(day=TruncDate("recorded_at", tzinfo=zone))
        .order_by()
        .values_list("day", who, "action")
        .annotate(Count("id"))
    )
    merged: dict[tuple[date, str, str], int] = {}
    for day, by, action, times in rows:
        key = (day, by if names else role_label(by), catalogue()[action].patient)
        merged[key] = merged.get(key, 0) + times
    return [Look(*key, times) for key, times in sorted(merged.items(), key=lambda item: item[0], reverse=True)]


def _events(reference: str) -> QuerySet[AuditEvent]:
    told = [action for action, kind in catalogue().items() if kind.patient]
    since = timezone.now() - timedelta(days=365 * YEARS + 1)
    about = Q(reference=reference) | Q(listed__contains=[reference])
    return AuditEvent.objects.filter(about, actor=Actor.STAFF, action__in=told, recorded_at__gte=since)


def role_label(codes: str) -> str:
    """The role in words, for example `Clinician`. Entries of before roles were kept say less."""
    known = roles()
    labels = [known[code].label for code in _codes(codes) if code in known]
    return " and ".join(labels) or "Member of staff"


def _codes(codes: str) -> Iterator[str]:
    return (code for code in codes.split(", ") if code)
