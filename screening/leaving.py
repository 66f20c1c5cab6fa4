"""What happens to the cases of somebody who no longer works on them: they wait in the queue again."""

import uuid
from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from clinic_site.accounts.models import User
from clinic_site.accounts.signals import role_ended
from clinic_site.audit.services import audit_event, record
from screening.models import Case, CaseEvent, CaseStatus, EventKind


@receiver(role_ended, dispatch_uid="screening.role_ended")
def hand_back_cases(sender: Any, person: User, clinic_id: uuid.UUID, by: User | None, **_: Any) -> None:
    """A patient must not wait for somebody who is gone. Nothing the owner wrote is touched."""
    if User.objects.get(pk=person.pk).may("case.claim", clinic_id):
        return
    owned = Case.objects.filter(clinic_id=clinic_id, owner=person).exclude(status=CaseStatus.DECIDED)
    for case in owned.order_by("id").select_for_update():
        case.owner = None
        if case.status == CaseStatus.IN_REVIEW:
            case.status = CaseStatus.WAITING
        case.save(update_fields=["owner", "status"])
        CaseEvent.objects.create(
            clinic_id=clinic_id, case=case, kind=EventKind.RELEASED, at=timezone.now(), by=by, detail="Owner left"
        )
        detail: dict[str, Any] = {"reference": case.reference, "because": "owner left"}
        record([audit_event("case.released", clinic_id=clinic_id, entity=case, user=by, **detail)])
