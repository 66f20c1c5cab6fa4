"""Taking a role away, and leaving. All of it takes effect on the person's next request."""

import uuid
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from clinic_site.accounts.authority import Refused, check_not_oneself, lock_administrator, lock_person, people_of
from clinic_site.accounts.factors import remove_factors
from clinic_site.accounts.invitations import withdraw_invitation
from clinic_site.accounts.models import AccessChange, Membership, User
from clinic_site.accounts.sessions import end_sessions
from clinic_site.accounts.signals import role_ended
from clinic_site.audit.services import audit_event, record


class Reason(models.TextChoices):
    """Codes and not words: the audit keeps them, and it holds nothing personal."""

    NEW_WORK = "new-work", "Other work at this clinic"
    LEFT = "left", "Left the clinic"
    ABSENCE = "absence", "A long absence"
    CONDUCT = "conduct", "Access must end at once"
    MISTAKE = "mistake", "Was given by mistake"


@transaction.atomic
def end_role(membership_id: uuid.UUID, *, reason: Reason, by: User) -> bool:
    """Takes one role away. False when it was gone already."""
    held = Membership.objects.filter(pk=membership_id).select_related("user").first()
    if held is None:
        return False
    check_not_oneself(held.user, by)
    lock_administrator(by, held.clinic_id)
    person = lock_person(held.user_id)
    if not _end([held], person, reason, by):
        return False
    end_sessions(person)
    return True


@transaction.atomic
def end_work(person: User, *, reason: Reason, by: User) -> bool:
    """Ends everything the person holds at the clinics that `by` manages: roles, requests, sessions.

    When nothing is left anywhere, the account is shut: no password, no factors, no open invitation. False when there
    was nothing to end.
    """
    check_not_oneself(person, by)
    if not people_of(by).filter(pk=person.pk).exists():
        raise Refused("This person does not work at a clinic that you manage.")
    managed = by.clinics_with("admin.manage")
    here = sorted(managed & set(person.memberships.values_list("clinic_id", flat=True)))
    waiting = AccessChange.objects.filter(person=person, outcome="", clinic_id__in=managed)
    clinics = sorted({*here, *waiting.values_list("clinic_id", flat=True)})
    for clinic_id in clinics:
        lock_administrator(by, clinic_id)
    person = lock_person(person.pk)
    ended = _end(list(person.memberships.filter(clinic_id__in=here)), person, reason, by)
    for change in waiting.filter(clinic_id__in=clinics):
        change.outcome, change.decided_by, change.decided_at = AccessChange.Outcome.DECLINED, by, timezone.now()
        change.save(update_fields=["outcome", "decided_by", "decided_at"])
        ended += 1
    end_sessions(person)
    if person.is_active and not person.memberships.exists():
        shut_account(person, by=by, clinic_id=clinics[0] if clinics else None)
        ended += 1
    return bool(ended)


def shut_account(person: User, *, by: User | None, clinic_id: uuid.UUID | None) -> None:
    """Whoever comes back is asked for a role anew, by two, and starts with a new link. The caller holds the lock."""
    withdraw_invitation(person, by=by)
    removed = remove_factors(person)
    person.is_active = False
    person.set_unusable_password()
    person.save(update_fields=["is_active", "password"])
    record([audit_event("staff.left", clinic_id=clinic_id, entity=person, user=by, factors=removed)])


def _end(memberships: list[Membership], person: User, reason: Reason, by: User) -> int:
    ended = 0
    for held in memberships:
        gone, _rows = Membership.objects.filter(pk=held.pk).delete()
        if not gone:
            continue
        ended += 1
        detail: dict[str, Any] = {"role": held.role, "reason": reason}
        record([audit_event("role.ended", clinic_id=held.clinic_id, entity=person, user=by, **detail)])
        role_ended.send(sender=Membership, person=person, clinic_id=held.clinic_id, by=by)
    return ended
