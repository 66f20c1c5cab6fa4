"""Reading a case that is somebody else's: with a reason, for an hour, and never unnoticed."""

import datetime
import uuid

from django.db import transaction
from django.utils import timezone

from clinic_site.accounts.models import Membership, User
from clinic_site.accounts.permissions import roles
from clinic_site.audit.services import audit_event, record
from clinic_site.messaging.models import OutboxMessage
from screening.messages import break_glass_message
from screening.models import BreakGlass, Case, CaseEvent, EventKind
from screening.relation import may_read

LASTS = datetime.timedelta(minutes=60)
LEAST_REASON = 15


@transaction.atomic
def break_glass(case_id: uuid.UUID, *, user: User, reason: str) -> BreakGlass | None:
    """Opens the case to `user` for LASTS, tells the medical directors and leaves the reason on the timeline.

    None when the case is open to them already, as after a second press of the button. Raises ValueError for a reason
    that is too short; the form says so before.
    """
    if len(reason.strip()) < LEAST_REASON:
        raise ValueError("a reason of at least 15 characters")
    Case.objects.select_for_update().only("id").get(pk=case_id)
    case = Case.objects.with_record().with_relation_to(user.id).get(pk=case_id)
    if may_read(case, user):
        return None
    now = timezone.now()
    glass = BreakGlass(clinic_id=case.clinic_id, case=case, by=user, broken_at=now, ends_at=now + LASTS)
    glass.reason = case.response.data_key.seal(reason, row=glass, label="break-glass.reason")
    glass.save(force_insert=True)
    CaseEvent.objects.create(
        clinic_id=case.clinic_id, case=case, kind=EventKind.GLASS_BROKEN, at=now, by=user, break_glass=glass
    )
    minutes = LASTS // datetime.timedelta(minutes=1)
    detail = {"reference": case.reference, "break_glass": str(glass.id), "minutes": minutes}
    record([audit_event("case.break-glass", clinic_id=case.clinic_id, entity=case, user=user, **detail)])
    OutboxMessage.objects.bulk_create(
        [break_glass_message(case, by=user, recipient=address) for address in _told(case, user)]
    )
    return glass


def _told(case: Case, user: User) -> list[str]:
    """Those who read every case of the clinic; where there is nobody else, the clinic's address for alerts."""
    may_read_any = [role.code for role in roles().values() if "case.read-any" in role.may]
    directors = Membership.objects.filter(clinic_id=case.clinic_id, role__in=may_read_any, user__is_active=True)
    addresses = directors.exclude(user=user).order_by("user__email").values_list("user__email", flat=True).distinct()
    return list(addresses) or [case.response.clinic.alert_email]
