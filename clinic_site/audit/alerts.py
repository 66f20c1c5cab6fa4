"""What somebody is told about at once, besides standing in the trail.

The worker looks at every entry once, when it seals it, so that each gives one notice however many workers run. A notice
names a record by its reference, and nobody.
"""

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from clinic_site.audit.catalogue import actions_of
from clinic_site.audit.chain import first_key_of
from clinic_site.audit.models import AuditEvent
from clinic_site.audit.services import audit_event, record
from clinic_site.clinics.models import Clinic
from clinic_site.limits.services import is_within
from clinic_site.messaging.models import OutboxMessage

log = logging.getLogger(__name__)
HOUR = timedelta(hours=1)
MOST_RECORDS_AN_HOUR = 30
MOST_NOT_FOUND_AN_HOUR = 5
_PURPOSE = "alert-"


@dataclass(frozen=True)
class Notice:
    subject: str
    body: str


NOTICES = {
    "break-glass": Notice(
        "To check: record {reference}",
        "Record {reference} was opened outside the usual work. Sign in and read in the audit trail who, when and why.",
    ),
    "same-name": Notice(
        "To check: record {reference}",
        "Record {reference} was looked up or opened by somebody with the same family name. It may be chance. Sign in"
        " and read in the audit trail who it was.",
    ),
    "export": Notice(
        "To check: data were taken out",
        "Data were exported. Sign in and read in the audit trail who, when and what.",
    ),
    "many-records": Notice(
        "To check: many records opened",
        "One person opened more than 30 records within an hour. Sign in and read the audit trail.",
    ),
    "not-found": Notice(
        "To check: wrong references",
        "One person asked five times within an hour for records that are not theirs or do not exist."
        " Sign in and read the audit trail.",
    ),
    "given-up": Notice(
        "Messages could not be sent",
        "A message was tried ten times and given up. Look into the queue by hand, and mend the mail server.",
    ),
    "in-all": Notice(
        "Too many new forms within an hour",
        "Within an hour more forms were begun, or more links asked for, than DRAFTS_PER_HOUR_IN_ALL and"
        " LINKS_PER_HOUR_IN_ALL allow from all networks together. More are refused until the hour is over; forms that"
        " were begun go on. The log of the web server says whether they come from people.",
    ),
    "chain": Notice(
        "The audit trail was altered",
        "Seals of the audit trail are gone or changed. Keep the database as it is, run manage.py verify_audit, and read"
        " what to do on a breach.",
    ),
}


def raise_alerts(events: Sequence[AuditEvent]) -> None:
    """Applies every rule to entries that are seen for the first time."""
    for event in events:
        if event.action == "case.break-glass":
            raise_alert("break-glass", str(event.id), clinic_id=event.clinic_id, reference=event.reference)
        elif event.action == "case.same-name":
            about = f"{event.user_id} {event.reference}"
            raise_alert("same-name", about, clinic_id=event.clinic_id, reference=event.reference)
        elif event.action.endswith(".exported"):
            raise_alert("export", str(event.id), clinic_id=event.clinic_id, reference=event.reference)
        elif event.action == "message.given-up" and not event.detail.get("purpose", "").startswith(_PURPOSE):
            raise_alert("given-up", str(event.entity_id), clinic_id=event.clinic_id)
    _raise_when_often(events, "many-records", actions_of("look"), MOST_RECORDS_AN_HOUR + 1)
    _raise_when_often(events, "not-found", ("case.not-found",), MOST_NOT_FOUND_AN_HOUR)


def _raise_when_often(events: Iterable[AuditEvent], rule: str, actions: Sequence[str], times: int) -> None:
    """When one person did it `times` within any hour, counting each record once."""
    by_user: dict[uuid.UUID, list[AuditEvent]] = defaultdict(list)
    for event in events:
        if event.user_id and event.action in actions:
            by_user[event.user_id].append(event)
    for user_id, own in by_user.items():
        first, last = min(event.recorded_at for event in own), max(event.recorded_at for event in own)
        # By key as well, which an index finds: keys are made by the same clock, moments before the entry.
        recent = AuditEvent.objects.filter(user_id=user_id, id__gte=first_key_of(first - 2 * HOUR))
        done = recent.filter(action__in=actions, recorded_at__gt=first - HOUR)
        rows = done.filter(recorded_at__lte=last).order_by("-id").values_list("recorded_at", "reference", "id")
        if most_within_an_hour([(at, reference or str(key)) for at, reference, key in rows]) >= times:
            raise_alert(rule, str(user_id), clinic_id=own[-1].clinic_id)


def most_within_an_hour(seen: Iterable[tuple[datetime, str]]) -> int:
    """The largest number of different things within one hour."""
    moments = sorted(seen)
    return max(
        (len({what for at, what in moments if end - HOUR < at <= end}) for end, _what in moments),
        default=0,
    )


def raise_alert(rule: str, subject: str, *, clinic_id: uuid.UUID | None, reference: str = "") -> None:
    """One mail and one entry; nothing when the same was told within the hour."""
    if not is_within(f"alert.{rule}", subject, limit=1, window=HOUR):
        return
    log.error("Alert: %s (%s)", rule, subject)
    record([audit_event("alert.raised", clinic_id=clinic_id, reference=reference, rule=rule, about=subject)])
    # A message belongs to a clinic, also when what it tells of belongs to none.
    sender = clinic_id or Clinic.objects.order_by("id").values_list("id", flat=True).first()
    if sender is None:
        return
    notice = NOTICES[rule]
    OutboxMessage.objects.create(
        clinic_id=sender,
        purpose=f"{_PURPOSE}{rule}",
        recipient=settings.SECURITY_EMAIL,
        subject=notice.subject.format(reference=reference),
        body=notice.body.format(reference=reference) + "\n",
    )
