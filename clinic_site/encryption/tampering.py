"""What happens when something sealed does not open: a trace, and a call to whoever runs the installation."""

import datetime
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from clinic_site.accounts.models import User
from clinic_site.audit.services import audit_event, record
from clinic_site.encryption.cipher import CannotOpen
from clinic_site.messaging.models import OutboxMessage

_ONE_CALL_IN = datetime.timedelta(hours=24)
_PURPOSE = "cannot-open"


@transaction.atomic
def report_unopened(lost: Iterable[CannotOpen], *, user: User | None = None) -> None:
    """An audit entry for each look at what does not open, and one message a day for each row to the operator."""
    for error in lost:
        if error.place is None:
            continue
        event = audit_event(
            "record.cannot-open",
            clinic_id=error.place.clinic_id,
            user=user,
            field=error.place.label,
        )
        event.entity_type, event.entity_id = error.place.label, error.place.row_id
        record([event])
        subject = f"A record can not be opened: {error.place.label} {str(error.place.row_id)[-12:]}"
        told = OutboxMessage.objects.filter(
            clinic_id=error.place.clinic_id,
            purpose=_PURPOSE,
            subject=subject,
            created_at__gt=timezone.now() - _ONE_CALL_IN,
        )
        if not told.exists():
            OutboxMessage.objects.create(
                clinic_id=error.place.clinic_id,
                purpose=_PURPOSE,
                recipient=settings.OPERATOR_EMAIL,
                subject=subject,
                body=(
                    f"Row {error.place.row_id}, field {error.place.label}, does not open with its key.\n"
                    "It was altered, moved, or damaged. Leave it as it is, and see docs/security.md.\n"
                ),
            )
