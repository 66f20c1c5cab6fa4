import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import DatabaseError, OperationalError, models

from clinic_site.accounts.models import User
from clinic_site.audit.catalogue import kind_of
from clinic_site.audit.models import Actor, AuditEvent
from clinic_site.audit.trail import current_trail
from clinic_site.records.composed import insert


class CannotRecord(OperationalError):
    """The trail took no entry, so what it would tell of is neither shown nor done: the page answers 503."""


def audit_event(
    action: str,
    *,
    clinic_id: uuid.UUID | None,
    entity: models.Model | None = None,
    user: User | None = None,
    actor: Actor | None = None,
    address: str | None = None,
    why: str = "",
    reference: str = "",
    listed: Sequence[str] = (),
    **detail: Any,
) -> AuditEvent:
    """An unsaved audit entry. Address, route and request come from the running request.

    `reference` names the person's record it is about (by itself, when `entity` has one), `listed` those of which a
    list showed a line. `why` is what opened the record when a role alone did not. `detail` holds rule ids, counts and
    field names, never an answer, a name or a contact.
    """
    trail = current_trail()
    return AuditEvent(
        clinic_id=clinic_id,
        actor=actor or (Actor.STAFF if user else Actor.SYSTEM),
        user=user,
        role=_roles(user, clinic_id) if user else "",
        action=action,
        data=list(kind_of(action).data),
        entity_type=entity._meta.label_lower if entity is not None else "",
        entity_id=entity.pk if entity is not None else None,
        reference=reference or getattr(entity, "reference", ""),
        listed=list(listed),
        why=why,
        detail=detail,
        address=address or (trail.address if trail else None),
        route=trail.route if trail else "",
        request_id=trail.request_id if trail else None,
    )


def _roles(user: User, clinic_id: uuid.UUID | None) -> str:
    """The roles in which the user acts there; of all clinics where the entry names none."""
    return ", ".join(sorted({role for clinic, role in user.granted() if clinic_id in (None, clinic)}))


def record(events: Iterable[AuditEvent]) -> None:
    """Writes the entries in one statement.

    Raises CannotRecord when the database refuses, so that what they tell of is not shown or done either.
    """
    try:
        _insert(events)
    except DatabaseError as error:
        raise CannotRecord("The audit trail takes no entry.") from error


def _insert(events: Iterable[AuditEvent]) -> None:
    insert(list(events))
