import uuid
from collections.abc import Iterable
from typing import Any

from django.db import models

from clinic_site.accounts.models import User
from clinic_site.audit.models import Actor, AuditEvent


def audit_event(
    action: str,
    *,
    clinic_id: uuid.UUID | None,
    entity: models.Model | None = None,
    user: User | None = None,
    actor: Actor | None = None,
    address: str | None = None,
    **detail: Any,
) -> AuditEvent:
    """An unsaved audit entry.

    `detail` holds references, rule ids, counts and field names, never an answer, a name or a contact.
    """
    return AuditEvent(
        clinic_id=clinic_id,
        actor=actor or (Actor.STAFF if user else Actor.SYSTEM),
        user=user,
        action=action,
        entity_type=entity._meta.label_lower if entity is not None else "",
        entity_id=entity.pk if entity is not None else None,
        detail=detail,
        address=address,
    )


def record(events: Iterable[AuditEvent]) -> None:
    """Writes the entries in one statement.

    Raises when the database refuses, so that what they tell of is not shown or done either.
    """
    AuditEvent.objects.bulk_create(events)
